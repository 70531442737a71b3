/** A host of its own: a network namespace with a link to another one that plays the outside world. */
import { randomBytes } from 'node:crypto';
import { runOk } from './command.ts';
import { startRegistry, type Registry } from './registry.ts';

export class HostNetwork {
  /** For `ip netns`, RealDocker and Stack. */
  readonly name: string;
  /** Address of the outside world, reachable from the host by a route of its own only. */
  readonly outsideAddress = '10.213.0.2';
  readonly #outside: string;
  #registry: Registry | undefined;

  private constructor(suffix: string) {
    this.name = `host-${suffix}`;
    this.#outside = `wan-${suffix}`;
  }

  /** Makes both namespaces and the link between them. */
  static async create(): Promise<HostNetwork> {
    const network = new HostNetwork(randomBytes(3).toString('hex'));
    const inside = network.name;
    const outside = network.#outside;
    for (const name of [inside, outside]) {
      await runOk('ip', ['netns', 'add', name]);
      await runOk('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    await runOk('ip', [
      '-n',
      inside,
      'link',
      'add',
      'wan0',
      'type',
      'veth',
      'peer',
      'name',
      'wan1',
      'netns',
      outside,
    ]);
    await runOk('ip', ['-n', inside, 'addr', 'add', '10.213.0.1/24', 'dev', 'wan0']);
    await runOk('ip', [
      '-n',
      outside,
      'addr',
      'add',
      `${network.outsideAddress}/24`,
      'dev',
      'wan1',
    ]);
    await runOk('ip', ['-n', inside, 'link', 'set', 'wan0', 'up']);
    await runOk('ip', ['-n', outside, 'link', 'set', 'wan1', 'up']);
    return network;
  }

  /** Name of the namespace that plays the outside world. */
  get outsideName(): string {
    return this.#outside;
  }

  /** Starts a development registry inside; resolves to its address. */
  async startRegistry(): Promise<string> {
    this.#registry = await startRegistry(this.name);
    return this.#registry.address;
  }

  /** Ends the registry and removes both namespaces with all that is in them. */
  async remove(): Promise<void> {
    await this.#registry?.stop();
    for (const name of [this.name, this.#outside]) await runOk('ip', ['netns', 'del', name]);
  }
}
