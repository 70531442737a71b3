/**
 * Networks of running containers on disk: one small file each under `<exec-root>/network`, named by the sandbox,
 * replaced atomically. A record is written before the container starts and deleted after its namespace; what a
 * SIGKILL leaves in between is found at the next start.
 */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import type { ContainerNetwork } from './network-controller.ts';

const noIpv6 = { ipv6Address: '', ipv6PrefixLength: 0, ipv6Gateway: '' };

export class NetworkRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** All records; creates the folder where it is missing. */
  load(): ContainerNetwork[] {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const files = fs.readdirSync(this.#folder);
    for (const name of files.filter((file) => !file.endsWith('.json'))) {
      fs.rmSync(path.join(this.#folder, name)); // the temporary file of a write that a SIGKILL cut off
    }
    return files
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const text = fs.readFileSync(path.join(this.#folder, file), 'utf8');
        const network = JSON.parse(text) as ContainerNetwork; // written by save, never half a file
        // Records of earlier versions know no IPv6.
        const endpoints = network.endpoints.map((endpoint) => ({ ...noIpv6, ...endpoint }));
        return { ...network, endpoints };
      });
  }

  async save(network: ContainerNetwork): Promise<void> {
    await writeFileAtomic(this.#fileOf(network.sandboxId), JSON.stringify(network));
  }

  async delete(sandboxId: string): Promise<void> {
    await fs.promises.rm(this.#fileOf(sandboxId), { force: true });
  }

  /** Deletes the folder, which must be empty. */
  removeFolder(): void {
    fs.rmdirSync(this.#folder);
  }

  #fileOf(sandboxId: string): string {
    return path.join(this.#folder, `${sandboxId}.json`);
  }
}
