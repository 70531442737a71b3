/**
 * `standby`: a shim that our containerd-lite starts before there is a container, so that nobody waits for its start.
 *
 *   containerd-lite ── exec ──▶ this process: loads everything, then waits on descriptor 3
 *          │── {"namespace", "id", "bundle", "options"} ──▶ │ enters the bundle, listens on the container's socket
 *          │◀── {"address"} or {"error"} ─────── │ from now on a shim like any other
 *          │── Shutdown, as to any shim ───────▶ │ gives back everything of the container
 *          │◀── {"free": true} ───────────────── │ waits again, or ends where something is left
 *          ╳ gone ─────────────────────────────▶ without a container: ends; with one: ends after it, like any other
 */
import fs from 'node:fs';
import net from 'node:net';
import { messageOf } from '#spec/errors';
import { releaseMemory } from '#lib/memory/release-memory';
import { setCloseOnExec } from '#lib/sys/descriptor';
import { setChildSubreaper } from '#lib/sys/prctl';
import { peekExitedChild } from '#lib/sys/wait';
import { parkFlags, type CommandLine } from '../command-line.ts';
import { becomeShim, type Assignment } from '../assignment.ts';
import { adjustOomScore } from '../oom-score.ts';
import { RuntimeServer } from '../runtime-server.ts';
import { SharedRuntime } from '../shared-runtime.ts';
import { Traces } from '../traces.ts';

/** Whoever starts many containers has asked for the next one by then: there is time for more than waiting. */
const quietMs = 300;
/** After this time nobody is about to ask. */
const settledMs = 3000;
/** Where containerd-lite hands over the container. */
const controlDescriptor = 3;
/** What a long life gathers in memory ends with it. */
const mostContainers = 200;

/** Waits for a container. `line` has what all shims of one containerd-lite have in common. */
export function standBy(line: CommandLine): void {
  setCloseOnExec(controlDescriptor);
  fs.writeFileSync('/proc/self/comm', 'containerd-shim');
  // What the first container would wait for: functions of libc are found when they are called.
  adjustOomScore(process.pid);
  setChildSubreaper();
  peekExitedChild();
  new Standby(line).wait();
}

class Standby {
  readonly #line: CommandLine;
  readonly #control = new net.Socket({ fd: controlDescriptor });
  #runtime: RuntimeServer | SharedRuntime;
  #isWaiting = true;
  /** Containers that it has had. */
  #served = 0;
  #traces: Traces | undefined;
  #timers: NodeJS.Timeout[] = [];

  constructor(line: CommandLine) {
    this.#line = line;
    this.#runtime = this.#createRuntime();
    let text = '';
    this.#control.setEncoding('utf8');
    this.#control.on('error', () => undefined); // 'close' follows
    this.#control.on('close', () => {
      if (this.#isWaiting) process.exit(0);
    });
    this.#control.on('data', (chunk: string) => {
      text += chunk;
      if (!this.#isWaiting || !text.endsWith('\n')) return;
      const assignment = JSON.parse(text) as Assignment; // only our containerd-lite has the other end
      text = '';
      void this.#serve(assignment);
    });
  }

  #createRuntime(): RuntimeServer | SharedRuntime {
    const { runtimeSocket } = this.#line;
    return runtimeSocket === '' ? new RuntimeServer() : new SharedRuntime(runtimeSocket);
  }

  /** Until the next container. */
  wait(): void {
    this.#isWaiting = true;
    const later = (ms: number, act: () => Promise<void>) => setTimeout(() => void act(), ms);
    this.#timers = [later(quietMs, () => this.#rehearse()), later(settledMs, () => this.#rest())];
  }

  /** Does now what the next container would wait for, in steps that it may interrupt. */
  async #rehearse(): Promise<void> {
    if (this.#runtime.isShared) return; // it sees to that itself
    if (!this.#runtime.isOpen) this.#runtime = new RuntimeServer();
    while (this.#isWaiting && this.#runtime.isNew) await this.#runtime.rehearse();
  }

  /** Gives back what was needed for loading, or by the last container. */
  async #rest(): Promise<void> {
    if (!this.#isWaiting) return;
    releaseMemory();
    if (!this.#runtime.isShared) await this.#runtime.rest();
  }

  async #serve(assignment: Assignment): Promise<void> {
    this.#isWaiting = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#served += 1;
    this.#traces ??= new Traces();
    try {
      const address = await becomeShim(assignment, this.#line, {
        runtimeServer: this.#runtime,
        isWanted: () => !this.#control.destroyed,
        onEnd: (complaint) => void this.#leave(complaint),
      });
      if (address.isOfAnother) this.#answer({ address: address.url }, 0);
      else this.#answer({ address: address.url });
    } catch (error) {
      this.#answer({ error: messageOf(error) }, 1);
    }
  }

  /** The container is gone: waits for the next one if nothing is left of it, and ends otherwise. */
  async #leave(complaint: string | undefined): Promise<void> {
    process.chdir('/');
    delete process.env['NAMESPACE'];
    const runtime = this.#runtime.isShared ? undefined : this.#runtime;
    const isClean =
      complaint === undefined &&
      this.#served < mostContainers &&
      (await this.#traces?.haveGone(runtime?.child.pid)) === true;
    if (!isClean || this.#control.destroyed) process.exit(0);
    runtime?.stay();
    process.title = [
      'containerd-shim-lite-v2',
      process.argv[1] ?? '',
      ...parkFlags(this.#line),
    ].join(' ');
    this.wait();
    this.#answer({ free: true });
  }

  #answer(message: object, exitCode?: number): void {
    this.#control.write(`${JSON.stringify(message)}\n`, () => {
      if (exitCode !== undefined) process.exit(exitCode);
    });
  }
}
