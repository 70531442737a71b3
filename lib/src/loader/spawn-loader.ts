/**
 * Starts the loader with a program. Numbers of descriptors in the new process:
 *
 *   0, 1, 2                 standard streams
 *   3 … 2 + preserved       handed on to what the program executes (LISTEN_FDS, --preserve-fds)
 *   3 + preserved           the program; the loader closes it
 *   4 + preserved           failure record of the loader; EOF without one: nothing failed
 *   5 + preserved …         prepared descriptors, in the order the program named them
 *
 * {@link startLoader} is synchronous: for the runtime, which has no event loop to speak of. {@link spawnLoader}
 * is for processes that live on. Both give the loader an empty environment and default signal handling.
 */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { constants } from 'node:os';
import { errorCode, StackError } from '#spec/errors';
import { duplicateAbove, memfdCreate } from '#lib/sys/memfd';
import { pidfdKill, pidfdOpen } from '#lib/sys/pidfd';
import { waitReadable } from '#lib/sys/poll';
import { pipe, posixSpawn, waitPid } from '#lib/sys/posix-spawn';
import type { Architecture } from '#lib/sys/syscalls';
import { encodeProgram } from './encode.ts';
import { failureRecordSize, parseFailure, type LoaderFailure } from './failure.ts';
import { loaderElf } from './loader-elf.ts';
import type { LoaderRequest } from './loader-request.ts';
import type { Program } from './program.ts';
import { sealedExecutable } from './sealed-executable.ts';

export interface LoaderOptions {
  /** What becomes descriptors 0, 1 and 2; default: our own. */
  stdio?: readonly [stdin: number, stdout: number, stderr: number];
  /** What becomes descriptors 3 and up, as many as the program preserves. */
  preserved?: readonly number[];
  /** Every descriptor the program named, by that name. */
  descriptors?: Readonly<Record<string, number>>;
  /** argv[0] of the loader: what `ps` shows. */
  argv0?: string;
  /** With {@link startLoader}: has the loader started by another process, whose child it then is; returns its pid. */
  startElsewhere?: ((request: LoaderRequest) => number) | undefined;
}

/** A loader started by {@link startLoader}. To be ended by {@link endLoader} or waited for by {@link waitForLoader}. */
export interface StartedLoader {
  readonly pid: number;
  /** Of another process's child, which may be reaped at any moment; undefined where it already was. */
  readonly elsewhere?: { readonly pidfd: number | undefined };
  /** Read end of the result pipe. {@link readFailure} closes it. */
  readonly result: number;
}

/** A loader started by {@link spawnLoader}. */
export interface SpawnedLoader {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Settles when every copy of the result descriptor is closed: by execve, exit, or failure. */
  readonly failure: Promise<LoaderFailure | undefined>;
}

/** Starts `program` with posix_spawn(3); returns as soon as the loader has been executed. */
export function startLoader(program: Program, options: LoaderOptions = {}): StartedLoader {
  const sources = descriptorSources(program, options);
  const { readEnd, writeEnd } = pipe();
  const temporary = [writeEnd];
  try {
    const programFd = programMemfd(program);
    temporary.push(programFd);
    sources[program.programDescriptor] = programFd;
    sources[program.resultDescriptor] = writeEnd;
    const executable = loaderAbove(program.programDescriptor, sources.length);
    if (executable.temporary) temporary.push(executable.fd);
    const argv0 = options.argv0 ?? 'loader';
    if (options.startElsewhere) {
      const request = { executable: executable.fd, argv0, descriptors: sources };
      const pid = options.startElsewhere(request);
      return { pid, result: readEnd, elsewhere: { pidfd: pidfdIfThere(pid) } };
    }
    // dup2 would overwrite sources that lie among the targets: move those out of the way first.
    const moved = sources.map((source, target) => {
      if (source >= sources.length || source === target) return source;
      const copy = duplicateAbove(source, sources.length);
      temporary.push(copy);
      return copy;
    });
    const pid = posixSpawn({
      path: `/proc/self/fd/${executable.fd}`,
      argv: [argv0],
      descriptors: moved.map((source, target) => [source, target] as const),
    });
    return { pid, result: readEnd };
  } catch (error) {
    fs.closeSync(readEnd);
    throw error;
  } finally {
    for (const fd of temporary) fs.closeSync(fd);
  }
}

/** Kills a loader, and waits until it is gone: its children go to the nearest subreaper above. */
export function endLoader(loader: StartedLoader): void {
  const { pid, elsewhere } = loader;
  if (!elsewhere) {
    process.kill(pid, 'SIGKILL'); // a child stays at least a zombie
  } else if (elsewhere.pidfd !== undefined) {
    pidfdKill(elsewhere.pidfd, constants.signals.SIGKILL);
  }
  waitForLoader(loader);
}

/** Waits until a loader has ended; to be called once. Blocks. */
export function waitForLoader({ pid, elsewhere }: StartedLoader): void {
  if (!elsewhere) {
    waitPid(pid);
  } else if (elsewhere.pidfd !== undefined) {
    waitReadable([elsewhere.pidfd]);
    fs.closeSync(elsewhere.pidfd);
  }
}

/** Undefined for a process that has ended and was waited for. */
function pidfdIfThere(pid: number): number | undefined {
  try {
    return pidfdOpen(pid);
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return undefined;
    throw error;
  }
}

/** Waits until no process holds the result descriptor any more and says what failed. Blocks; closes `result`. */
export function readFailure(
  program: Program,
  { result }: StartedLoader,
): LoaderFailure | undefined {
  try {
    const bytes = Buffer.alloc(2 * failureRecordSize);
    let length = 0;
    for (let count = 1; count > 0; length += count) {
      count = fs.readSync(result, bytes, length, bytes.length - length, null);
    }
    return parseFailure(program, bytes.subarray(0, Math.min(length, failureRecordSize)));
  } finally {
    fs.closeSync(result);
  }
}

/** Starts `program` as a node:child_process. */
export function spawnLoader(program: Program, options: LoaderOptions = {}): SpawnedLoader {
  const stdio: (number | 'pipe')[] = descriptorSources(program, options);
  const programFd = programMemfd(program);
  try {
    stdio[program.programDescriptor] = programFd;
    stdio[program.resultDescriptor] = 'pipe';
    const executable = loaderAbove(program.programDescriptor, stdio.length);
    try {
      // Loaded here alone: it brings net and streams along, more than all else that startLoader needs.
      const { spawn } = process.getBuiltinModule('node:child_process');
      const child = spawn(`/proc/self/fd/${executable.fd}`, [], {
        argv0: options.argv0 ?? 'loader',
        env: {},
        stdio,
      });
      if (child.pid === undefined) throw new StackError('internal', 'cannot start the loader');
      // 'pipe' makes it a stream of this child; node types the further ones as either direction
      const result = child.stdio[program.resultDescriptor as 4] as Readable;
      return { child, pid: child.pid, failure: collectFailure(program, result) };
    } finally {
      if (executable.temporary) fs.closeSync(executable.fd);
    }
  } finally {
    fs.closeSync(programFd);
  }
}

async function collectFailure(
  program: Program,
  result: Readable,
): Promise<LoaderFailure | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of result as AsyncIterable<Buffer>) chunks.push(chunk);
  return parseFailure(program, Buffer.concat(chunks).subarray(0, failureRecordSize));
}

/** Stands for program and result until they exist. */
const unfilled = -1;

/** What becomes each descriptor, by number; program and result are filled in by the caller. */
function descriptorSources(program: Program, options: LoaderOptions): number[] {
  const { stdio = [0, 1, 2], preserved = [], descriptors = {} } = options;
  if (preserved.length !== program.preserved) {
    throw new RangeError(`the program preserves ${program.preserved} descriptors`);
  }
  const prepared = program.descriptors.map(({ name }) => {
    const source = descriptors[name];
    if (source === undefined) throw new RangeError(`no descriptor for "${name}"`);
    return source;
  });
  return [...stdio, ...preserved, unfilled, unfilled, ...prepared];
}

const architecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

function programMemfd(program: Program): number {
  const fd = memfdCreate('program');
  fs.writeSync(fd, encodeProgram(program, architecture));
  return fd;
}

/** One sealed loader per number of the program's descriptor, for the life of this process. */
const loaders = new Map<number, number>();

/**
 * A loader with a descriptor of at least `minimum`. Stdio is moved into place before the exec: a lower number
 * would by then be something else.
 */
function loaderAbove(
  programDescriptor: number,
  minimum: number,
): { fd: number; temporary: boolean } {
  let fd = loaders.get(programDescriptor);
  if (fd === undefined) {
    fd = sealedExecutable('loader', loaderElf(architecture, programDescriptor));
    loaders.set(programDescriptor, fd);
  }
  if (fd >= minimum) return { fd, temporary: false };
  return { fd: duplicateAbove(fd, minimum), temporary: true };
}
