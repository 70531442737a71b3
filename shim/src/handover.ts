/**
 * How a running shim is replaced by a newer one: it becomes the new one by execve(2). Pid, children, subreaper,
 * terminal, FIFOs, sockets and cgroup stay; what the old one knew goes along as JSON in a memfd. See
 * docs/adr/0010-a-shim-becomes-its-successor.md.
 *
 *   SIGUSR2 ──▶ the new executable is asked which hand-overs it reads
 *           ──▶ calls under way are answered, events delivered; waiting calls stay unanswered
 *           ──▶ copying stops between two bytes, everything is written down ──▶ execve
 *   new one ──▶ reads it, goes on copying, waiting calls are carried out again, reaps who has ended meanwhile
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';
import { StackError, messageOf } from '#spec/errors';
import { clearCloseOnExec, setCloseOnExec } from '#lib/sys/descriptor';
import { memfdCreate } from '#lib/sys/memfd';
import { handoverVersion } from './handover-version.ts';
import type { ShimLog } from './log.ts';
import type { Reaper } from './reaper.ts';
import type { ContainerState } from './state.ts';
import { descriptorsOf, type StdioHandover } from './stdio/handover.ts';

/** Names the memfd to the successor. */
const variable = 'CONTAINERD_SHIM_LITE_HANDOVER';
const retryDelayMs = 1000;

/** A container with what is open for its processes, by exec id. */
export interface ContainerHandover {
  state: ContainerState;
  stdio: Record<string, StdioHandover>;
}

/** All that a shim knows. */
export interface ShimHandover {
  version: typeof handoverVersion;
  /** The listening socket. */
  listening: number;
  /** `received`: base64. */
  connections: { fd: number; received: string }[];
  /** Envelopes that were not delivered, base64. */
  events: string[];
  containers: ContainerHandover[];
}

/** What a predecessor has left for this process, once. */
export function takeHandover(): ShimHandover | undefined {
  const text = process.env[variable];
  if (text === undefined) return undefined;
  Reflect.deleteProperty(process.env, variable); // the runtime and loggers have no business with it
  const memfd = Number(text);
  const handover = JSON.parse(fs.readFileSync(`/proc/self/fd/${memfd}`, 'utf8')) as ShimHandover; // becomeSuccessor wrote it
  fs.closeSync(memfd);
  for (const fd of descriptorsIn(handover)) setCloseOnExec(fd);
  return handover;
}

/** Throws conflict unless the installed shim can go on where this version stops. */
export async function requireReader(reaper: Reaper): Promise<void> {
  const command = [...process.execArgv, process.argv[1] ?? '', '-v'];
  const asking = promisify(execFile)(process.execPath, command);
  reaper.leaveToLibuv(asking.child);
  const { stdout } = await asking.catch((error: unknown) => {
    throw new StackError('conflict', `the installed shim does not start: ${messageOf(error)}`);
  });
  const newest = Number(/^ {2}Handover: (\d+)$/m.exec(stdout)?.[1] ?? 0);
  if (newest >= handoverVersion) return;
  throw new StackError('conflict', `the installed shim reads no hand-over ${handoverVersion}`);
}

/**
 * Turns this process into the installed shim, with `args`. Nothing may be under way, and no turn of the event loop
 * between the making of `handover` and this. It tries until it succeeds: what was let go cannot be taken up again.
 */
export function becomeSuccessor(
  handover: ShimHandover,
  args: readonly string[],
  log: ShimLog,
): never {
  const memfd = memfdCreate('handover');
  fs.writeFileSync(memfd, JSON.stringify(handover));
  for (const fd of [...descriptorsIn(handover), memfd]) clearCloseOnExec(fd);
  const argv = ['containerd-shim-lite-v2', ...process.execArgv, process.argv[1] ?? '', ...args];
  const environment = { ...process.env, [variable]: memfd.toString() };
  while (true) {
    try {
      process.execve?.(process.execPath, argv, environment);
    } catch (error) {
      log.error('cannot become the new shim yet', error);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryDelayMs);
  }
}

function descriptorsIn({ listening, connections, containers }: ShimHandover): number[] {
  return [
    listening,
    ...connections.map(({ fd }) => fd),
    ...containers.flatMap(({ stdio }) => Object.values(stdio).flatMap(descriptorsOf)),
  ];
}
