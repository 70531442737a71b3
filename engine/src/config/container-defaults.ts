/** What containers get that ask for nothing else: the daemon's own defaults, as flags give them. */
import fs from 'node:fs';
import os from 'node:os';
import { messageOf, StackError } from '#spec/errors';
import { rlimitNames } from '#spec/rlimits';
import { compileSeccompProfile } from '../container-spec/seccomp-profile.ts';
import type { OptionValues } from './option-values.ts';

export interface Ulimit {
  Name: string;
  Soft: number;
  Hard: number;
}

export interface ContainerDefaults {
  /** Undefined for docker's 64 MiB. */
  shmSizeBytes: number | undefined;
  ulimits: readonly Ulimit[];
  ipcMode: 'private' | 'shareable';
  /** Undefined for what suits the host's cgroups. */
  cgroupnsMode: 'host' | 'private' | undefined;
  init: boolean;
  noNewPrivileges: boolean;
  seccomp: SeccompDefault;
}

export interface SeccompDefault {
  /** `builtin`, `unconfined`, or where the profile was read. */
  name: string;
  /** What `--security-opt seccomp=` would have: empty for the built-in one. */
  choice: string;
}

/** Reads the options. Throws invalid_argument in docker's words. */
export function containerDefaults(values: OptionValues): ContainerDefaults {
  const shmSize = values.text('default-shm-size');
  return {
    shmSizeBytes: shmSize === undefined ? undefined : sizeOf('default-shm-size', shmSize),
    ulimits: values.list('default-ulimit').map(parseUlimit),
    ipcMode: ipcModeOf(values.text('default-ipc-mode')),
    cgroupnsMode: cgroupnsModeOf(values.text('default-cgroupns-mode')),
    init: values.boolean('init') ?? false,
    noNewPrivileges: values.boolean('no-new-privileges') ?? false,
    seccomp: seccompDefault(values.text('seccomp-profile') || 'builtin'),
  };
}

/** `SecurityOpt` entries that stand before a container's own, which overrule them. */
export function securityDefaults(
  { noNewPrivileges, seccomp }: ContainerDefaults,
  { Privileged: privileged }: { Privileged: boolean },
): string[] {
  return [
    ...(noNewPrivileges ? ['no-new-privileges'] : []),
    // A privileged container has no filter unless it asks for one.
    ...(seccomp.choice !== '' && !privileged ? [`seccomp=${seccomp.choice}`] : []),
  ];
}

/** `64M`, `1.5g`, `1024`: powers of 1024, as docker counts memory. Throws invalid_argument. */
export function sizeOf(flag: string, text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === undefined) {
    throw new StackError('invalid_argument', `invalid --${flag}: invalid size: '${text}'`);
  }
  return Math.floor(Number(number) * 1024 ** ' kmgtp'.indexOf(unit.toLowerCase() || ' '));
}

/** `nofile=1024:2048`, `nofile=1024`. */
function parseUlimit(text: string): Ulimit {
  const [, name = '', softText = '', hardText] = /^([^=]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (name === '') throw new StackError('invalid_argument', `invalid ulimit argument: ${text}`);
  if (!(rlimitNames as readonly string[]).includes(`RLIMIT_${name.toUpperCase()}`)) {
    throw new StackError('invalid_argument', `invalid ulimit type: ${name}`);
  }
  const soft = Number(softText);
  const hard = hardText === undefined ? soft : Number(hardText);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw new StackError(
      'invalid_argument',
      `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`,
    );
  }
  return { Name: name, Soft: soft, Hard: hard };
}

function ipcModeOf(mode = 'private'): 'private' | 'shareable' {
  if (mode === 'private' || mode === 'shareable') return mode;
  throw new StackError(
    'invalid_argument',
    ['host', 'none'].includes(mode) || mode.startsWith('container:')
      ? `IPC mode "${mode}" is not supported as default value; use "shareable" or "private"`
      : `default IPC mode setting (${mode}) is invalid; use "shareable" or "private"`,
  );
}

function cgroupnsModeOf(mode: string | undefined): 'host' | 'private' | undefined {
  if (!mode) return undefined;
  if (mode === 'host' || mode === 'private') return mode;
  throw new StackError(
    'invalid_argument',
    `invalid default cgroup namespace (${mode}): use "host" or "private"`,
  );
}

function seccompDefault(name: string): SeccompDefault {
  if (name === 'builtin') return { name, choice: '' };
  if (name === 'unconfined') return { name, choice: name };
  try {
    const choice = fs.readFileSync(name, 'utf8');
    const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
    // Only to say now what is wrong with it: capabilities differ from container to container.
    compileSeccompProfile(choice, { capabilities: [], architecture, kernelRelease: os.release() });
    return { name, choice };
  } catch (error) {
    throw new StackError(
      'invalid_argument',
      `opening seccomp profile (${name}) failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
