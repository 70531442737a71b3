/** Runs a compiled program and talks with it until the process it makes is ready, or nothing is left of it. */
import fs from 'node:fs';
import {
  endLoader,
  readFailure,
  startLoader,
  waitForLoader,
  type StartedLoader,
} from '#lib/loader/spawn-loader';
import type { Program } from '#lib/loader/program';
import { errorCode, StackError } from '#spec/errors';
import type { LinuxConfig } from '#spec/oci/linux';
import type { Process } from '#spec/oci/process';
import { readProcessStat } from '../container/process-identity.ts';
import { startFailure } from './failure-message.ts';
import type { HookOutput } from './container-hook-files.ts';
import { HandshakePartner, type Message } from './handshake-partner.ts';
import { writeNamespaceMaps } from './id-maps.ts';
import { loaderParent } from './loader-parent.ts';

export interface ConversationOptions {
  readonly process: Process;
  /** For id maps and time offsets; absent for exec. */
  readonly linux?: LinuxConfig;
  readonly preserved: readonly number[];
  /** Also written when it can only be raised; an ordinary user keeps what it has. */
  readonly tolerant: boolean;
  /** Whether the process outlives this one: nobody but the subreaper above may then wait for it. */
  readonly detached: boolean;
  /** Besides those of the handshake, by the names that the program gave them. */
  readonly descriptors?: Readonly<Record<string, number>>;
  /** Hears each message of the program. */
  onMessage?(message: Message): void;
  /** What hooks inside the container have printed; closed when no more of them can run. */
  readonly hookOutput?: HookOutput | undefined;
  /** Moves `linux.netDevices` into the network namespace of the process. */
  onNetDevices?(started: StartedProcess): void;
  /** Run while the program waits before pivot_root. */
  onHooks?(started: StartedProcess): void;
  /** Takes the listener of the seccomp filter, `fd` in the process, to where config.json says. */
  onSeccomp?(started: StartedProcess, fd: number): void;
  /** Run when the process is ready, before it is let go. */
  onReady(started: StartedProcess): void;
}

/** A process of a container, as the host sees it. */
export interface StartedProcess {
  readonly pid: number;
  readonly startTime: string;
}

/** A program whose process was let go. Either {@link leave} it or, unless it is detached, {@link waitForExit}. */
export class RunningProgram {
  readonly process: StartedProcess;
  readonly #program: Program;
  readonly #loader: StartedLoader;
  readonly #partner: HandshakePartner;
  readonly #user: Process;
  readonly #hookOutput: HookOutput | undefined;
  #loaderEnded: boolean;
  #resultOpen = true;

  constructor(
    started: StartedProcess,
    program: Program,
    loader: StartedLoader,
    partner: HandshakePartner,
    { process, detached, hookOutput }: ConversationOptions,
  ) {
    this.process = started;
    this.#program = program;
    this.#loader = loader;
    this.#partner = partner;
    this.#user = process;
    this.#hookOutput = hookOutput;
    this.#loaderEnded = detached;
  }

  /** Blocks until the process has executed its command; throws if it could not. Not for one that waits for `start`. */
  awaitExecution(): void {
    this.#resultOpen = false;
    const failure = readFailure(this.#program, this.#loader);
    const printed = this.#hookOutput?.read();
    this.#hookOutput?.close();
    if (failure) throw startFailure(this.#program, failure, this.#user, printed);
  }

  /** Ends the loader: the process goes to the nearest subreaper above. */
  leave(): void {
    if (!this.#loaderEnded) endLoader(this.#loader);
    this.#loaderEnded = true;
    this.#closeDescriptors();
  }

  /** The wait status of the process, once it has ended. */
  async waitForExit(): Promise<number> {
    const message = await this.#partner.receiveLater();
    waitForLoader(this.#loader);
    this.#loaderEnded = true;
    this.#closeDescriptors();
    if (message?.tag !== 'exited') {
      throw new StackError('internal', 'the loader was killed; the exit status is lost');
    }
    return message.value;
  }

  #closeDescriptors(): void {
    this.#partner.close();
    this.#hookOutput?.close();
    if (this.#resultOpen) fs.closeSync(this.#loader.result);
    this.#resultOpen = false;
  }
}

/** Throws what failed, after nothing of the program is left. */
export function converse(program: Program, options: ConversationOptions): RunningProgram {
  const partner = new HandshakePartner();
  let loader: StartedLoader | undefined;
  let loaderEnded = false;
  let resultOpen = false;
  let started: StartedProcess | undefined;
  try {
    loader = startLoader(program, {
      descriptors: { ...partner.descriptors, ...options.descriptors },
      preserved: options.preserved,
      argv0: 'runtime',
      startElsewhere: loaderParent(),
    });
    resultOpen = true;
    partner.releaseTheirs();
    while (true) {
      const message = partner.receive();
      if (message) options.onMessage?.(message);
      switch (message?.tag) {
        case 'userNamespace':
          writeNamespaceMaps(loader.pid, options.linux ?? {});
          break;
        case 'process':
          started = begin(message.value, options);
          continue;
        case 'netDevices':
          started ??= receiveProcess(partner, loader, options);
          options.onNetDevices?.(started);
          break;
        case 'hooks':
          started ??= receiveProcess(partner, loader, options);
          options.onHooks?.(started);
          break;
        case 'seccomp':
          started ??= receiveProcess(partner, loader, options);
          options.onSeccomp?.(started, message.value);
          break;
        case 'ready':
          started ??= receiveProcess(partner, loader, options);
          options.onReady(started);
          // Before the process is let go: once it runs it may end at any moment, and the loader would reap it.
          if (options.detached) endLoader(loader);
          loaderEnded = options.detached;
          partner.answer();
          return new RunningProgram(started, program, loader, partner, options);
        default:
          resultOpen = false;
          throw programFailure(program, loader, options);
      }
      partner.answer();
    }
  } catch (error) {
    if (started) killQuietly(started.pid);
    partner.close();
    options.hookOutput?.close();
    if (loader && resultOpen) fs.closeSync(loader.result);
    if (loader && !loaderEnded) waitForLoader(loader); // it waits for its process, so both are gone
    throw error;
  }
}

/** The process may speak before the loader has named it: they share one pipe, and nothing orders them. */
function receiveProcess(
  partner: HandshakePartner,
  { pid }: StartedLoader,
  options: ConversationOptions,
): StartedProcess {
  const message = partner.receiveOverdue(() => !/^[ZXx]$/.test(readProcessStat(pid)?.state ?? 'X'));
  if (message?.tag !== 'process') {
    throw new StackError('internal', 'unable to start container process: the loader was killed');
  }
  return begin(message.value, options);
}

function begin(pid: number, options: ConversationOptions): StartedProcess {
  const started = { pid, startTime: readProcessStat(pid)?.startTime ?? '' };
  setOomScore(pid, options);
  return started;
}

function programFailure(
  program: Program,
  loader: StartedLoader,
  { process, hookOutput }: ConversationOptions,
): StackError {
  const failure = readFailure(program, loader);
  if (failure) return startFailure(program, failure, process, hookOutput?.read());
  return new StackError('internal', 'unable to start container process: the loader was killed');
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error; // gone already
  }
}

/** `process.oomScoreAdj`: written from outside, because the process itself is not dumpable. */
function setOomScore(
  pid: number,
  { process: { oomScoreAdj }, tolerant }: ConversationOptions,
): void {
  if (oomScoreAdj === undefined) return;
  const file = `/proc/${pid}/oom_score_adj`;
  try {
    if (Number(fs.readFileSync(file, 'utf8')) === oomScoreAdj) return;
    fs.writeFileSync(file, String(oomScoreAdj));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return; // failed meanwhile; the conversation says why
    if (tolerant && (code === 'EACCES' || code === 'EPERM')) return;
    const denied = code === 'EACCES' || code === 'EPERM';
    const reason = denied
      ? 'permission denied: this needs CAP_SYS_RESOURCE, which the caller does not hold'
      : (code ?? 'failed');
    throw new StackError(
      denied ? 'permission_denied' : 'internal',
      `process.oomScoreAdj: cannot set ${oomScoreAdj}: ${reason}`,
      { cause: error },
    );
  }
}
