/** Small settings of the new process and its namespaces, one property each. */
import { u32, u64 } from '#lib/loader/data';
import type { Register } from '#lib/loader/program';
import type { Process, Scheduler } from '#spec/oci/process';
import type { Personality } from '#spec/oci/linux';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { StackError } from '#spec/errors';
import type { CompileContext } from './context.ts';
import {
  AF_INET,
  IFF_UP,
  IOPRIO_WHO_PROCESS,
  KEYCTL_JOIN_SESSION_KEYRING,
  O_CLOEXEC,
  O_WRONLY,
  PR_SET_NO_NEW_PRIVS,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_XDEV,
  SIOCSIFFLAGS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
} from './kernel-constants.ts';

/** A session keyring of its own keeps the container from the keys of whoever started it. */
export function joinSessionKeyring(context: CompileContext, id: string): void {
  const { program } = context;
  const unavailable = program.label();
  program.stage('join a session keyring');
  program.syscall('keyctl', [KEYCTL_JOIN_SESSION_KEYRING, program.string(`_ses.${id}`)], {
    // Kernels without keyrings, outer seccomp profiles that forbid them, and an exhausted quota of keys.
    onErrno: [
      { errno: 'ENOSYS', goto: unavailable },
      { errno: 'EPERM', goto: unavailable },
      { errno: 'EDQUOT', goto: unavailable },
    ],
  });
  program.place(unavailable);
}

/** A new network namespace has one interface, and it is down. */
export function bringLoopbackUp(context: CompileContext): void {
  const { program } = context;
  program.stage('bring the loopback interface up').from('linux.namespaces');
  context.borrow((socket) => {
    program.syscall('socket', [AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0], { result: socket });
    const request = Buffer.alloc(40); // struct ifreq: 16 bytes of name, then the flags
    request.write('lo');
    request.writeUInt16LE(IFF_UP, 16);
    program.syscall('ioctl', [socket, SIOCSIFFLAGS, program.bytes(request)]);
    context.close(socket);
  });
}

export function setNames(context: CompileContext, { hostname, domainname }: RuntimeConfig): void {
  const { program } = context;
  if (hostname) {
    program.stage('set the host name').from('hostname');
    program.syscall('sethostname', [program.string(hostname), Buffer.byteLength(hostname)]);
  }
  if (domainname) {
    program.stage('set the domain name').from('domainname');
    program.syscall('setdomainname', [program.string(domainname), Buffer.byteLength(domainname)]);
  }
}

/**
 * Writes sysctls through the host's own /proc, opened before any container namespace was entered: what the image or
 * another container mounts at /proc is not asked (CVE-2025-52881).
 */
export function setSysctls(
  context: CompileContext,
  proc: Register,
  { linux = {} }: RuntimeConfig,
): void {
  const { program } = context;
  for (const [name, value] of Object.entries(linux.sysctl ?? {})) {
    checkSysctl(name, linux.namespaces ?? []);
    program.stage(`set ${name}`).from(`linux.sysctl[${JSON.stringify(name)}]`);
    context.borrow((file) => {
      const path = `sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;
      const resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
      program.syscall(
        'openat2',
        [proc, program.string(path), context.openHow(O_WRONLY | O_CLOEXEC, resolve), 24],
        { result: file },
      );
      const length = Buffer.byteLength(value);
      program.syscall('write', [file, program.string(value), length], { demand: length });
      context.close(file);
    });
  }
}

const ipcSysctls: ReadonlySet<string> = new Set(
  ['msgmax', 'msgmnb', 'msgmni', 'sem', 'shmall', 'shmmax', 'shmmni', 'shm_rmid_forced'].map(
    (name) => `kernel.${name}`,
  ),
);

/** Only sysctls that belong to a namespace of the container may be set; the others are the host's. */
function checkSysctl(written: string, namespaces: readonly { type: string }[]): void {
  const name = written.replaceAll('/', '.');
  const needs = namespaceOfSysctl(name);
  if (needs && namespaces.some(({ type }) => type === needs)) return;
  const reason = needs ? `needs a ${needs} namespace` : 'does not belong to a namespace';
  throw new StackError('invalid_argument', `linux.sysctl: "${written}" ${reason}`);
}

function namespaceOfSysctl(name: string): string | undefined {
  if (name.startsWith('net.')) return 'network';
  if (ipcSysctls.has(name) || name.startsWith('fs.mqueue.')) return 'ipc';
  if (name === 'kernel.domainname' || name === 'kernel.hostname') return 'uts';
  if (name.startsWith('user.')) return 'user';
  return undefined;
}

export function setNoNewPrivileges(context: CompileContext, process: Process): void {
  if (!process.noNewPrivileges) return;
  context.program.stage('forbid new privileges').from('process.noNewPrivileges');
  context.program.syscall('prctl', [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
}

const policies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const satisfies Record<Scheduler['policy'], number>;

const schedulerFlagBits = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
const ioClassShift = 13;

/** `process.scheduler` and `process.ioPriority`. */
export function setPriorities(context: CompileContext, process: Process): void {
  const { program } = context;
  const { scheduler, ioPriority } = process;
  if (scheduler) {
    program.stage('set the scheduler').from('process.scheduler');
    const bits = (scheduler.flags ?? []).reduce((sum, flag) => sum | schedulerFlagBits[flag], 0);
    const attributes = program.struct('sched_attr', {
      size: u32(48),
      sched_policy: u32(policies[scheduler.policy]),
      sched_flags: u64(bits),
      sched_nice: u32(scheduler.nice ?? 0),
      sched_priority: u32(scheduler.priority ?? 0),
      sched_runtime: u64(scheduler.runtime ?? 0),
      sched_deadline: u64(scheduler.deadline ?? 0),
      sched_period: u64(scheduler.period ?? 0),
    });
    program.syscall('sched_setattr', [0, attributes, 0]);
  }
  if (ioPriority) {
    program.stage('set the I/O priority').from('process.ioPriority');
    const value = (ioClasses[ioPriority.class] << ioClassShift) | ioPriority.priority;
    program.syscall('ioprio_set', [IOPRIO_WHO_PROCESS, 0, value]);
  }
}

const personalities = { LINUX: 0, LINUX32: 8 } as const;

export function setPersonality(
  context: CompileContext,
  personality: Personality | undefined,
): void {
  if (!personality) return;
  if (personality.flags?.length) {
    throw new StackError('invalid_argument', 'linux.personality.flags: none are defined');
  }
  context.program.stage('set the personality').from('linux.personality');
  context.program.syscall('personality', [personalities[personality.domain]]);
}
