/** The system calls by which a command of the runtime changes something or talks with its loader, and death at each. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';

/** One system call of one process: the `occurrence`th (from 1) of that name on its main thread. */
export interface Operation {
  readonly syscall: string;
  readonly occurrence: number;
  /** As strace(1) shows it. */
  readonly text: string;
}

const effects =
  'mkdir,mkdirat,mknodat,rename,unlink,unlinkat,rmdir,write,clone,clone3,kill,wait4,umount2,pidfd_send_signal';

/** Command lines under strace(1), for one traced command after the other. */
export class Tracer {
  readonly #log: string;

  constructor(folder: string) {
    this.#log = path.join(folder, 'strace.log');
  }

  /** Records what the traced command does. */
  record(command: readonly string[]): [string, ...string[]] {
    // -y shows what a descriptor is: reads from pipes are handshakes.
    return ['strace', '-y', '-s', '16', '-o', this.#log, '-e', `trace=${effects},read`, ...command];
  }

  /** Kills the command before `operation` happens. */
  kill({ syscall, occurrence }: Operation, command: readonly string[]): [string, ...string[]] {
    const inject = `inject=${syscall}:signal=KILL:when=${occurrence}`;
    return ['strace', '-o', this.#log, '-e', `trace=${syscall}`, '-e', inject, ...command];
  }

  /** What the command did that {@link record} has seen, from its first look at `folder` on. */
  operations(folder: string): Operation[] {
    const counts = new Map<string, number>();
    let begun = false;
    return fs
      .readFileSync(this.#log, 'latin1')
      .split('\n')
      .flatMap((text) => {
        const syscall = /^(\w+)\(/.exec(text)?.[1];
        if (syscall === undefined) return [];
        const occurrence = (counts.get(syscall) ?? 0) + 1;
        counts.set(syscall, occurrence);
        begun ||= text.includes(folder);
        const matters = syscall !== 'read' || text.includes('<pipe:');
        const isOfLibuv = text.includes('<anon_inode:[eventfd]>') || text.includes('"*", 1)');
        return begun && matters && !isOfLibuv ? [{ syscall, occurrence, text }] : [];
      })
      .filter(({ text }, index, all) => target(text) !== target(all[index - 1]?.text ?? ''));
  }
}

/** Name and descriptor of a call: what is written to the same file in a row counts once. */
function target(text: string): string {
  return text.split('"')[0] ?? '';
}

export interface EndedSession {
  readonly session: number;
  readonly wasKilled: boolean;
}

/** Runs a command to its end in a session of its own. strace(1) ends as what it traces. */
export async function runInSession(
  [file, ...args]: readonly [string, ...string[]],
  cwd: string,
): Promise<EndedSession> {
  const child = spawn(file, args, { cwd, stdio: 'ignore', detached: true });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (child.pid === undefined) throw new Error(`${file} did not start`);
  return { session: child.pid, wasKilled: signal === 'SIGKILL' };
}
