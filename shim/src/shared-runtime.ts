/**
 * The runtime that all shims of one containerd-lite have in common (`runtime serve --listen`; runtime/src/serve draws
 * the conversation). It does all but one thing: what supervises a container must be its ancestor, so the loader is
 * started here. Where it does not answer, calls are made by argv, as they are with every other runtime.
 */
import net from 'node:net';
import { messageOf } from '#spec/errors';
import { executablePath } from '#lib/installation/installation';
import { startRequestedLoader, type LoaderRequest } from '#lib/loader/loader-request';
import { stdioPaths, type ServedCall, type ServedRuntime } from './served-runtime.ts';

/** Somebody's call takes very long: a process start takes less than waiting for that. */
const turnTimeoutMs = 2000;

/** `asking`: the pid of the runtime. */
type AskedLoader = LoaderRequest & { asking: number };

/** Our own runtime's. */
interface Message {
  ready?: true;
  loader?: AskedLoader;
  exitCode?: number;
}

export class SharedRuntime implements ServedRuntime {
  readonly binary = executablePath('runtime');
  readonly isShared = true as const;
  private readonly socket: string;
  /** Whether loaders cannot be started for it here (pidfd_getfd(2) is forbidden). */
  private isRefused = false;

  /** `socket` is a path. */
  constructor(socket: string) {
    this.socket = socket;
  }

  accepts(binary: string): boolean {
    return binary === this.binary && !this.isRefused;
  }

  call({ args, cwd, stdio }: ServedCall): Promise<number | 'killed' | 'declined'> {
    const connection = net.connect(this.socket);
    const answer = (message: object) => connection.write(`${JSON.stringify(message)}\n`);
    return new Promise((resolve) => {
      let isTaken = false;
      const turn = setTimeout(() => connection.destroy(), turnTimeoutMs);
      const hear = ({ ready, loader, exitCode }: Message) => {
        if (ready) {
          isTaken = true;
          clearTimeout(turn);
          answer({ args, cwd, stdio: stdioPaths(stdio) });
        } else if (loader) {
          answer(this.start(loader));
        } else if (exitCode !== undefined) {
          const wasRefused = this.isRefused && exitCode !== 0;
          resolve(wasRefused ? 'declined' : exitCode); // it has undone what it had made by then
          connection.destroy();
        }
      };
      let text = '';
      connection.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          hear(JSON.parse(line) as Message); // our own runtime wrote it
        }
      });
      connection.on('error', () => undefined); // 'close' follows
      connection.on('close', () => {
        clearTimeout(turn);
        resolve(isTaken ? 'killed' : 'declined');
      });
    });
  }

  superviseBy(): void {
    // The loaders that it has started are the reaper's business.
  }

  close(): void {
    // Others use it.
  }

  end(): Promise<void> {
    return Promise.resolve();
  }

  private start({ asking, ...request }: AskedLoader): { pid: number } | { error: string } {
    try {
      return { pid: startRequestedLoader(asking, request) };
    } catch (error) {
      this.isRefused = true;
      return { error: messageOf(error) };
    }
  }
}
