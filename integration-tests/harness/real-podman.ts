/** The real podman with private storage below a temporary root. It has no daemon: its options say where all is. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { removeCgroups } from './cgroups.ts';
import { run, runOk } from './command.ts';

export class RealPodman {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), 'podman-'));
  /** The program with all that names this root. */
  readonly command: readonly string[];

  /** `runtime` is an OCI runtime's path. */
  constructor(runtime: string) {
    const { root } = this;
    const config = path.join(root, 'containers.conf');
    fs.writeFileSync(
      config,
      [
        '[containers]',
        // podman's own default needs CAP_SYS_RESOURCE.
        'default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]',
        '[engine]',
        'events_logger = "file"',
        'lock_type = "file"',
        '',
      ].join('\n'),
    );
    this.command = [
      // conmon leaves a file named `oom` in the working directory.
      ...['env', '-C', root, `CONTAINERS_CONF=${config}`],
      ...['podman', '--root', `${root}/root`, '--runroot', `${root}/run`],
      ...['--tmpdir', `${root}/tmp`, '--storage-driver', 'overlay'],
      ...['--cgroup-manager', 'cgroupfs', '--events-backend', 'file', '--runtime', runtime],
    ];
  }

  /** Options of `run`: podman's own choice of a cgroup is shared by all of a machine. */
  get runFlags(): string[] {
    return ['--cgroup-parent', `/${path.basename(this.root)}`];
  }

  /** Runs a command of podman; an error with its output unless it ends with 0. */
  async ok(...args: string[]): Promise<string> {
    const [file = '', ...rest] = [...this.command, ...args];
    return (await runOk(file, rest)).stdout.trim();
  }

  /** Unmounts what podman keeps mounted, and removes the root. */
  async stop(): Promise<void> {
    const mounts = fs
      .readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((mountPoint) => mountPoint.startsWith(`${this.root}/`));
    for (const mountPoint of mounts.reverse()) await run('umount', ['-l', mountPoint]);
    fs.rmSync(this.root, { recursive: true, force: true });
    removeCgroups(path.basename(this.root));
  }
}
