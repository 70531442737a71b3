/** A mount namespace in which /etc/subuid and /etc/subgid give ids to a user, as `dockerd --userns-remap` asks for. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { waitFor } from '../harness/wait.ts';

/** A user that every Debian has. */
export const remappedUser = 'daemon';

export class RemappedUsers {
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'subordinate-'));
  readonly #holder: ChildProcess;

  private constructor() {
    const file = path.join(this.#folder, 'ids');
    fs.writeFileSync(file, `${remappedUser}:100000:65536\n`);
    const script =
      'for f in /etc/subuid /etc/subgid; do mount --bind "$0" $f || exit; done; ' +
      'touch "$1"; exec sleep infinity';
    this.#holder = spawn('unshare', ['--mount', 'sh', '-c', script, file, this.#ready], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  static async create(): Promise<RemappedUsers> {
    const users = new RemappedUsers();
    await waitFor('the mount namespace', () => fs.existsSync(users.#ready));
    return users;
  }

  /** A command that runs its arguments there. */
  get prefix(): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-m', '--'];
  }

  remove(): void {
    this.#holder.kill('SIGKILL');
    fs.rmSync(this.#folder, { recursive: true });
  }

  get #ready(): string {
    return path.join(this.#folder, 'ready');
  }
}
