/**
 * One shim that waits for a task, or has one and may wait again after it.
 *
 *   containerd-lite ── exec ──▶ containerd-shim-lite-v2 standby: loads, and waits on descriptor 3, a socket
 *          │── {"namespace", "id", "bundle", "options"} ──▶ │ enters the bundle, listens on the container's socket
 *          │◀── {"address"} or {"error"} ─────── │ from now on a shim like any other
 *          │── Shutdown, over ttrpc ───────────▶ │
 *          │◀── {"free": true} ───────────────── │ waits again; without this answer it ends
 *
 * A standby that has no task ends with us: it sees the end of its socket. One that has a task outlives us. Whatever goes
 * wrong costs time only, for the task then gets its shim by `start`, as from any containerd.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { StackError } from '#spec/errors';
import { Any } from '#proto/generated/google.protobuf';
import type { Bundle } from './bundle.ts';
import { lowerSessionPriority, restoreSessionPriority } from './session-priority.ts';
import { environmentOf, sharedFlags, type ShimEnvironment } from './shim-binary.ts';
import { parseEndpoint, type ShimEndpoint } from './shim-endpoint.ts';

/** As long as `start` may take. */
const answerTimeoutMs = 30_000;
/** A process can change its command line but not lengthen it: room for `-namespace`, `-id` and both values. */
const room = ' '.repeat(12 + 2 * 76);

interface Answer {
  address?: string;
  error?: string;
  free?: boolean;
}

export class StandbyShim {
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #control: Duplex | undefined;
  #isLowered: boolean;
  /** Takes the next line; undefined for the end of the socket. */
  #heard: (line: string | undefined) => void = () => undefined;
  #isDeaf = false;
  #freed: Promise<boolean> = Promise.resolve(false);

  /** `runtimeSocket`: where the runtime listens that it is to use; it has one of its own without. */
  constructor(shimPath: string, environment: ShimEnvironment, runtimeSocket?: string) {
    const runtime = runtimeSocket === undefined ? [] : ['-runtime-socket', runtimeSocket];
    const flags = [...sharedFlags(environment), ...runtime, '-id', room, 'standby'];
    this.#child = spawn(shimPath, flags, {
      cwd: '/',
      detached: true, // a session of its own: it will outlive us
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...environmentOf(environment), UV_THREADPOOL_SIZE: '1' },
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(error.message));
      this.#child.once('exit', (code, signal) =>
        resolve(signal ?? `exit status ${code ?? 'unknown'}`),
      );
    });
    const control = this.#child.stdio[3];
    this.#control = control instanceof Duplex ? control : undefined; // a 'pipe' is one, once it was started
    this.#listen();
    const { pid } = this.#child;
    this.#isLowered = pid !== undefined && lowerSessionPriority(pid);
  }

  /** Throws unavailable, internal, or what the kernel says. */
  async assign({ namespace, id, path: bundle }: Bundle, any?: Any): Promise<ShimEndpoint> {
    const { pid } = this.#child;
    if (pid === undefined || !this.#control)
      throw new StackError('unavailable', 'it has not started');
    if (this.#isLowered) restoreSessionPriority(pid);
    this.#isLowered = false;
    const control = this.#control;
    const timer = setTimeout(() => control.destroy(), answerTimeoutMs);
    try {
      const options = any ? Any.encode(any).toString('base64') : '';
      const answer = this.#nextLine();
      control.write(`${JSON.stringify({ namespace, id, bundle, options })}\n`);
      const endpoint = parseAnswer(await answer);
      this.#freed = this.#nextLine().then((line) => line !== undefined && saysFree(line));
      return endpoint;
    } finally {
      clearTimeout(timer);
    }
  }

  /** After {@link assign}: resolves with true when the task is gone and it waits again, with false when it never will. */
  get freed(): Promise<boolean> {
    return this.#freed;
  }

  /** It will not wait again: it is a shim like any other. */
  letGo(): void {
    this.#control?.destroy();
  }

  /** Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#control?.destroy();
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #nextLine(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#heard = resolve;
      if (this.#isDeaf) resolve(undefined);
    });
  }

  #listen(): void {
    let text = '';
    this.#control?.on('error', () => undefined); // 'close' follows
    this.#control?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        this.#heard(text.slice(0, end));
        text = text.slice(end + 1);
      }
    });
    this.#control?.on('close', () => {
      this.#isDeaf = true;
      this.#heard(undefined);
    });
  }
}

function parseAnswer(line: string | undefined): ShimEndpoint {
  if (line === undefined) throw new StackError('unavailable', 'it has ended or does not answer');
  const { address, error } = parseLine(line);
  if (address === undefined) throw new StackError('internal', error ?? line);
  return parseEndpoint(Buffer.from(address));
}

function saysFree(line: string): boolean {
  try {
    return parseLine(line).free === true;
  } catch {
    return false; // whatever it means, it is not ours any more
  }
}

/** Our own shim's. Throws internal for anything else. */
function parseLine(line: string): Answer {
  try {
    return JSON.parse(line) as Answer;
  } catch {
    throw new StackError('internal', `it has answered "${line}"`);
  }
}
