/** `process` of config.json: what is executed, as whom, with which rights and limits (runtime-spec config.md). */
import {
  absolutePath,
  array,
  boolean,
  cString,
  int32,
  integer,
  object,
  oneOf,
  optional,
  refine,
  reject,
  string,
  uint32,
  uint64,
  type Decoder,
} from '../json-decoder.ts';
import { rlimitNames, type RlimitName } from '../rlimits.ts';

export interface ConsoleSize {
  /** Rows. */
  height: number;
  /** Columns. */
  width: number;
}

export interface ProcessUser {
  uid: number;
  gid: number;
  umask?: number;
  additionalGids?: number[];
  /** Windows only; Linux runtimes look at the numbers. */
  username?: string;
}

/** Names with `CAP_`; a name that the runtime does not know is a warning, not an error. */
export interface ProcessCapabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

/** Limits are unsigned 64-bit; see rlimitValue() of `#spec/rlimits` for RLIM_INFINITY. */
export interface Rlimit {
  type: RlimitName;
  hard: number;
  soft: number;
}

export const schedulerPolicies = [
  'SCHED_OTHER',
  'SCHED_FIFO',
  'SCHED_RR',
  'SCHED_BATCH',
  'SCHED_ISO',
  'SCHED_IDLE',
  'SCHED_DEADLINE',
] as const;
export type SchedulerPolicy = (typeof schedulerPolicies)[number];

export const schedulerFlags = [
  'SCHED_FLAG_RESET_ON_FORK',
  'SCHED_FLAG_RECLAIM',
  'SCHED_FLAG_DL_OVERRUN',
  'SCHED_FLAG_KEEP_POLICY',
  'SCHED_FLAG_KEEP_PARAMS',
  'SCHED_FLAG_UTIL_CLAMP_MIN',
  'SCHED_FLAG_UTIL_CLAMP_MAX',
] as const;
export type SchedulerFlag = (typeof schedulerFlags)[number];

/** sched_setattr(2); runtime, deadline and period in nanoseconds. */
export interface Scheduler {
  policy: SchedulerPolicy;
  nice?: number;
  priority?: number;
  flags?: SchedulerFlag[];
  runtime?: number;
  deadline?: number;
  period?: number;
}

export const ioPriorityClasses = [
  'IOPRIO_CLASS_RT',
  'IOPRIO_CLASS_BE',
  'IOPRIO_CLASS_IDLE',
] as const;
export type IoPriorityClass = (typeof ioPriorityClasses)[number];

/** ioprio_set(2). */
export interface IoPriority {
  class: IoPriorityClass;
  /** 0 (first) to 7. */
  priority: number;
}

/** CPU lists (`0-2,7`) for exec: `initial` while joining, `final` for the command. */
export interface ExecCpuAffinity {
  initial?: string;
  final?: string;
}

export interface Process {
  terminal?: boolean;
  consoleSize?: ConsoleSize;
  user: ProcessUser;
  /** At least one. */
  args: string[];
  env?: string[];
  cwd: string;
  capabilities?: ProcessCapabilities;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
  scheduler?: Scheduler;
  ioPriority?: IoPriority;
  execCPUAffinity?: ExecCpuAffinity;
}

/** runtime-spec allows the user to be left out: that is uid 0, gid 0. */
const user: Decoder<ProcessUser> = (value, path) => {
  const {
    uid = 0,
    gid = 0,
    ...rest
  } = object<Partial<ProcessUser>>({
    uid: optional(uint32),
    gid: optional(uint32),
    umask: optional(integer(0, 0o777)),
    additionalGids: optional(array(uint32)),
    username: optional(string),
  })(value, path);
  return { uid, gid, ...rest };
};

const capabilities = object<ProcessCapabilities>({
  bounding: optional(array(string)),
  effective: optional(array(string)),
  inheritable: optional(array(string)),
  permitted: optional(array(string)),
  ambient: optional(array(string)),
});

const rlimit = refine(
  object<Rlimit>({ type: oneOf(rlimitNames), hard: uint64, soft: uint64 }),
  ({ type, hard, soft }, path) => {
    if (soft > hard) reject(path, `soft limit ${soft} of ${type} is above the hard limit ${hard}`);
  },
);

const rlimits = refine(array(rlimit), (limits, path) => {
  const seen = new Set<string>();
  for (const [index, { type }] of limits.entries()) {
    if (seen.has(type)) reject(`${path}[${index}].type`, `${type} is given twice`);
    seen.add(type);
  }
});

const scheduler = object<Scheduler>({
  policy: oneOf(schedulerPolicies),
  nice: optional(int32),
  priority: optional(int32),
  flags: optional(array(oneOf(schedulerFlags))),
  runtime: optional(uint64),
  deadline: optional(uint64),
  period: optional(uint64),
});

/** JSON may leave the user out altogether. */
interface WrittenProcess extends Omit<Process, 'user' | 'args'> {
  user?: ProcessUser;
  args?: string[];
}

const writtenProcess = object<WrittenProcess>({
  terminal: optional(boolean),
  consoleSize: optional(object<ConsoleSize>({ height: uint32, width: uint32 })),
  user: optional(user),
  args: optional(array(cString)),
  env: optional(array(cString)),
  cwd: absolutePath,
  capabilities: optional(capabilities),
  rlimits: optional(rlimits),
  noNewPrivileges: optional(boolean),
  apparmorProfile: optional(cString),
  selinuxLabel: optional(cString),
  oomScoreAdj: optional(integer(-1000, 1000)),
  scheduler: optional(scheduler),
  ioPriority: optional(
    object<IoPriority>({ class: oneOf(ioPriorityClasses), priority: integer(0, 7) }),
  ),
  execCPUAffinity: optional(
    object<ExecCpuAffinity>({ initial: optional(string), final: optional(string) }),
  ),
});

/** Decodes `process`, also when it stands alone in a file (`runtime exec --process`). */
export const decodeProcess: Decoder<Process> = (value, path) => {
  const { user = { uid: 0, gid: 0 }, args = [], ...rest } = writtenProcess(value, path);
  if (args.length === 0) reject(`${path}.args`, 'must name what to execute');
  return { user, args, ...rest };
};

/** The Process of a JSON document of its own. Throws invalid_argument naming the place: `process.cwd: is required`. */
export function parseProcess(json: unknown): Process {
  return decodeProcess(json, 'process');
}
