/** One bundle and one container name per test, and the proof that nothing of it is left afterwards. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { waitFor } from '../harness/wait.ts';
import { TestBundle, type Result } from './bundle.ts';

/** Pids of processes in the container's cgroup, in whatever namespaces they are. */
export function processesIn(id: string): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${id}\n`);
    } catch {
      return false; // ended meanwhile
    }
  });
}

export function cgroupsOf(id: string): string[] {
  return fs
    .readdirSync('/sys/fs/cgroup')
    .map((group) => path.join('/sys/fs/cgroup', group, id))
    .filter((directory) => fs.existsSync(directory));
}

/** What a test works with; a new one for each. */
export class Fixture {
  readonly bundle = new TestBundle();
  readonly id = `runtime-test-${randomBytes(4).toString('hex')}`;

  get rootfs(): string {
    return path.join(this.bundle.directory, 'rootfs');
  }

  /** Runs a command in a container of its own, to its end. */
  run(args: string[], change?: (config: RuntimeConfig) => void): Result {
    this.bundle.configure(args, change);
    return this.bundle.run(['run', this.id]);
  }

  /** {@link run} for a shell script. */
  shell(script: string, change?: (config: RuntimeConfig) => void): Result {
    return this.run(['sh', '-c', script], change);
  }

  create(args: string[], change?: (config: RuntimeConfig) => void): Result {
    this.bundle.configure(args, change);
    return this.bundle.run(['create', this.id]);
  }

  async remove(): Promise<void> {
    this.bundle.run(['delete', '--force', this.id]);
    this.bundle.remove();
    await waitFor(`nothing of ${this.id} is left`, () => processesIn(this.id).length === 0);
    expect(cgroupsOf(this.id)).to.deep.equal([]);
  }
}

/** `describe` for tests that need root and containers. `fixture()` gives the one of the running test. */
export function describeContainers(name: string, define: (fixture: () => Fixture) => void): void {
  describe(name, function () {
    this.timeout(60_000);
    let current: Fixture | undefined;

    before(function () {
      if (process.geteuid?.() !== 0) this.skip();
    });
    beforeEach(() => {
      current = new Fixture();
    });
    afterEach(() => current?.remove());

    define(() => {
      if (!current) throw new Error('only tests have a fixture');
      return current;
    });
  });
}
