/** engined's images over a containerd, real or ours, and what `ctr` sees of them. */
import path from 'node:path';
import { runOk, type CommandResult } from '../harness/command.ts';

const root = path.resolve(import.meta.dirname, '../..');
const script = path.join(root, 'engine/test/images/image-command.ts');

/** A containerd that the tests may fill. */
export interface ImageStore {
  address: string;
  namespace: string;
  /** Runs ctr in the namespace. */
  ctr(...args: string[]): Promise<CommandResult>;
}

export interface Outcome<T> {
  result?: T;
  /** Status of every progress message. */
  progress?: string[];
  error?: { kind: string; message: string };
}

/** What the tests look at of a pulled image. */
export interface PulledImage {
  id: string;
  chainId: string;
  repoTags: string[];
  repoDigests: string[];
  target: { digest: string; mediaType: string };
  config: { architecture: string };
}

export class TestedImages {
  readonly #store: ImageStore;

  constructor(store: ImageStore) {
    this.#store = store;
  }

  async run<T>(
    command: string,
    references: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome<T>> {
    const { address, namespace } = this.#store;
    const args = [script, address, namespace, command, ...references];
    const { stdout } = await runOk(path.join(root, 'scripts/node'), args, { env });
    return JSON.parse(stdout) as Outcome<T>; // written by the script
  }

  /** Pulls one image. Throws its error. */
  async pull(reference: string, env: Record<string, string> = {}): Promise<PulledImage> {
    const { result, error } = await this.run<PulledImage[]>('pull', [reference], env);
    const [image] = result ?? [];
    if (!image) throw new Error(error?.message ?? 'nothing was pulled');
    return image;
  }

  /** Everything that containerd stores, for comparisons before and after. */
  async state(): Promise<Record<string, string[]>> {
    const lines = async (...args: string[]) => {
      const { stdout } = await this.#store.ctr(...args);
      return stdout
        .split('\n')
        .map((line) => line.split(/\s+/)[0] ?? '')
        .filter((word) => word !== '')
        .sort();
    };
    return {
      images: await lines('images', 'ls', '-q'),
      content: await lines('content', 'ls', '-q'),
      snapshots: (await lines('snapshots', 'ls')).filter((key) => key !== 'KEY'),
      leases: await lines('leases', 'ls', '-q'),
      ingests: (await lines('content', 'active')).filter((ref) => ref !== 'REF'),
    };
  }
}
