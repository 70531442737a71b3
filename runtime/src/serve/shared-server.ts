/**
 * A runtime that carries out command lines for several supervisors, one after the other, over a unix socket. A
 * connection is for one command:
 *
 *   supervisor ── connects ──▶ the socket                              waits for its turn; may go away until then
 *       ▲── {"ready": true} ◀─────────────────────────────────────────┐
 *       └── {"args", "cwd", "stdio"} ──▶ this process: the command    │
 *       ▲── {"loader": {"asking", "executable", "argv0", "descriptors"}}   what supervises a container is its ancestor
 *       └── {"pid"} or {"error"} ──▶ goes on with the conversation     a loader that the supervisor has started
 *       ▲── {"exitCode"} ◀────────────────────────────────────────────┘
 *
 * Requests are those of `serve` over descriptor 3. That this process is killed means for the command under way what it
 * means for a process of its own: the loader sees the end of its conversation.
 */
import { releaseMemory } from '#lib/memory/release-memory';
import { waitReadable } from '#lib/sys/poll';
import { acceptConnection, listenUnix } from '#lib/sys/unix-listener';
import { setLoaderParent } from '../host/loader-parent.ts';
import { Caller } from './caller.ts';
import { parseRequest, type ServedCommands } from './served-command.ts';

/** Whoever starts many containers has asked for the next one by then. */
const quietMs = 300;
/** After this time nobody is about to ask. */
const settledMs = 3000;
/** After so many a further one saves nothing more (measured). */
const usefulRehearsals = 4;

/** Serves at `path` until `lifeline` has ended. Throws what is wrong with `path`. */
export async function serveShared(
  path: string,
  lifeline: number,
  commands: ServedCommands,
): Promise<void> {
  const listener = listenUnix(path);
  const pastime = new Pastime();
  while (true) {
    const ready = waitReadable([lifeline, listener], pastime.dueInMs());
    if (ready.includes(lifeline)) return;
    if (ready.length === 0) {
      await pastime.pass();
      continue;
    }
    const connection = acceptConnection(listener);
    if (connection === undefined) continue;
    await serveOne(new Caller(connection), commands);
    pastime.interrupted();
  }
}

async function serveOne(caller: Caller, commands: ServedCommands): Promise<void> {
  try {
    const line = caller.request();
    if (line === undefined) return;
    setLoaderParent((request) => caller.startLoader(request));
    caller.answer(await commands.carryOut(parseRequest(line)));
  } catch {
    return; // stdio that is gone, or nonsense: the end of the connection says that nothing was done
  } finally {
    setLoaderParent(undefined);
    caller.close();
    process.chdir('/'); // a folder that may be removed
  }
}

/** What it does when nobody calls: makes itself quicker, and then smaller. */
class Pastime {
  #rehearsals = 0;
  #hasRested = false;

  /** Undefined: never. */
  dueInMs(): number | undefined {
    if (this.#rehearsals < usefulRehearsals) return this.#rehearsals === 0 ? quietMs : 0;
    return this.#hasRested ? undefined : settledMs;
  }

  async pass(): Promise<void> {
    if (this.#rehearsals < usefulRehearsals) {
      this.#rehearsals += 1;
      (await import('../host/rehearsal.ts')).rehearseOnce();
    } else {
      this.#hasRested = true;
      releaseMemory();
    }
  }

  /** Something was done that needed memory, and was as good as a rehearsal. */
  interrupted(): void {
    this.#rehearsals = usefulRehearsals;
    this.#hasRested = false;
  }
}
