/** Bundles with busybox as their root, and the runtime as a command: what the tests here share. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { defaultSpec } from '#spec/oci/default-spec';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

const applets = [
  'sh',
  'true',
  'echo',
  'cat',
  'id',
  'sleep',
  'ps',
  'hostname',
  'grep',
  'ls',
  'kill',
  'stty',
  'stat',
  'cut',
  'env',
  'mount',
  'readlink',
  'touch',
  'wc',
  'sort',
  'head',
  'nice',
  'mkdir',
  'uname',
  'dd',
  'mv',
];

export interface Result {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** One bundle and one state root in a directory of their own. */
export class TestBundle {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-test-'));
  readonly root = path.join(this.directory, 'state');

  constructor() {
    fs.chmodSync(this.directory, 0o755);
    const bin = path.join(this.directory, 'rootfs/bin');
    fs.mkdirSync(bin, { recursive: true });
    fs.copyFileSync('/bin/busybox', path.join(bin, 'busybox'));
    for (const applet of applets) fs.symlinkSync('busybox', path.join(bin, applet));
    fs.mkdirSync(path.join(this.directory, 'rootfs/etc'));
    fs.writeFileSync(path.join(this.directory, 'rootfs/etc/not-executable'), '', { mode: 0o644 });
    fs.writeFileSync(path.join(this.directory, 'rootfs/etc/garbage'), 'x', { mode: 0o755 });
  }

  /** Writes config.json: the default one without a terminal, changed. */
  configure(args: string[], change: (config: RuntimeConfig) => void = () => undefined): void {
    const config = defaultSpec();
    config.process.terminal = false;
    config.process.args = args;
    change(config);
    fs.writeFileSync(path.join(this.directory, 'config.json'), JSON.stringify(config));
  }

  /** Output goes to files: a container that lives on would keep pipes open. */
  run(args: readonly string[], { uid }: { uid?: number } = {}): Result {
    const files = ['stdout', 'stderr'].map((name) => path.join(this.directory, name));
    const fds = files.map((file) => fs.openSync(file, 'w'));
    try {
      const { status, error } = spawnSync(
        executablePath('runtime'),
        ['--root', this.root, ...args],
        {
          cwd: this.directory,
          stdio: ['ignore', fds[0], fds[1]],
          timeout: 30_000,
          ...(uid !== undefined && { uid, gid: uid }),
        },
      );
      if (error) throw error;
      const [stdout = '', stderr = ''] = files.map((file) => fs.readFileSync(file, 'utf8'));
      return { status, stdout, stderr };
    } finally {
      for (const fd of fds) fs.closeSync(fd);
    }
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
