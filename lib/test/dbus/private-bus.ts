/** Debian's dbus-daemon as a bus of its own, for tests. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export function hasDbusDaemon(): boolean {
  try {
    execFileSync('dbus-daemon', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class PrivateBus {
  readonly path: string;
  readonly #folder: string;
  readonly #daemon: ChildProcess;

  static async start(): Promise<PrivateBus> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'private-bus-'));
    const socket = path.join(folder, 'bus');
    const configuration = path.join(folder, 'bus.conf');
    fs.writeFileSync(
      configuration,
      `<busconfig><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
    );
    const args = [`--config-file=${configuration}`, '--nofork', '--print-address'];
    const daemon = spawn('dbus-daemon', args, { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(daemon.stdout, 'data'); // the address: it listens
    return new PrivateBus(folder, socket, daemon);
  }

  private constructor(folder: string, socket: string, daemon: ChildProcess) {
    this.#folder = folder;
    this.path = socket;
    this.#daemon = daemon;
  }

  get address(): string {
    return `unix:path=${this.path}`;
  }

  async stop(): Promise<void> {
    this.#daemon.kill();
    await once(this.#daemon, 'exit');
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
