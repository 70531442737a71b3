/** A network namespace that stands for a machine of its own in a test. */
import { randomBytes } from 'node:crypto';
import { run, runOk } from '../harness/command.ts';

export class TestNamespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** With its loopback up. */
  static async create(): Promise<TestNamespace> {
    const namespace = new TestNamespace(`nettest-${randomBytes(4).toString('hex')}`);
    await runOk('ip', ['netns', 'add', namespace.name]);
    await namespace.ok('ip', 'link', 'set', 'lo', 'up');
    return namespace;
  }

  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Runs a program inside; returns what it prints, throws unless it ends with 0. */
  async ok(file: string, ...args: string[]): Promise<string> {
    return (await runOk('nsenter', [`--net=${this.path}`, '--', file, ...args])).stdout;
  }

  /**
   * Connects this machine (10.211.0.1) with an outside one (10.211.0.2), which knows no route to containers:
   * only masqueraded packets are answered.
   */
  async addOutside(): Promise<TestNamespace> {
    const outside = await TestNamespace.create();
    const [near, far] = ['wan0', 'wan1'];
    await this.ok('ip', 'link', 'add', near, 'type', 'veth', 'peer', far, 'netns', outside.name);
    await this.ok('ip', 'addr', 'add', '10.211.0.1/24', 'dev', near);
    await this.ok('ip', 'link', 'set', near, 'up');
    await outside.ok('ip', 'addr', 'add', '10.211.0.2/24', 'dev', far);
    await outside.ok('ip', 'link', 'set', far, 'up');
    return outside;
  }

  /** Links, addresses, routes and packet filter rules, as text that two moments can be compared by. */
  async state(): Promise<string> {
    const parts = await Promise.all([
      this.ok('ip', '-br', 'link'),
      this.ok('ip', '-4', '-br', 'addr'),
      this.ok('ip', 'route', 'show', 'table', 'all', 'type', 'unicast'),
      this.ok('nft', '-s', 'list', 'ruleset'),
    ]);
    return parts.join('---\n');
  }

  async remove(): Promise<void> {
    await run('ip', ['netns', 'del', this.name]);
  }
}

/** Whether a ping from inside the namespace file at `sandbox` is answered. */
export async function canPing(sandbox: string, address: string): Promise<boolean> {
  const args = [`--net=${sandbox}`, '--', 'ping', '-c1', '-W2', address];
  return (await run('nsenter', args)).status === 0;
}
