/** Clients that pull, commit, delete and create tasks until their containerd is killed. */
import fs from 'node:fs';
import path from 'node:path';
import { packAny } from '#proto/any';
import type { ContainerdClient } from '#proto/containerd-client';
import { ImageStore, OCIRegistry } from '#proto/generated/containerd.types.transfer';
import type { Mount } from '#proto/generated/containerd.types';
import { digestOf } from '#spec/digest';
import type { ContainerdLite } from '../containerd/containerd-lite.ts';
import type { Ledger } from './ledger.ts';

const snapshotter = 'overlayfs';
const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip';
/** Tasks that live at the same time. */
const mostTasks = 3;

export interface WorkloadParts {
  containerd: ContainerdLite;
  client: ContainerdClient;
  ledger: Ledger;
  registry: string;
  /** A number from 0 to 1. */
  random: () => number;
}

export class Workload {
  readonly #parts: WorkloadParts;
  #count = 0;
  /** Of the image that tasks and snapshots stand on. */
  #base = { image: '', chainId: '', view: [] as Mount[] };

  constructor(parts: WorkloadParts) {
    this.#parts = parts;
  }

  /** Pulls what the others stand on. */
  async prepare(): Promise<void> {
    const { client, containerd, registry } = this.#parts;
    const image = `${registry}/busybox:latest`;
    await this.#pull(image, image);
    const { info } = await client.snapshots
      .list({ snapshotter })
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => value as { info: { name: string }[] }); // the first message has the one snapshot
    const chainId = info[0]?.name ?? '';
    await client.leases.create({ id: 'keep' });
    const request = { snapshotter, key: 'base-view', parent: chainId };
    const { mounts } = await client.snapshots.view(request, { lease: 'keep' });
    this.#base = { image, chainId, view: mounts };
    await containerd.ctrOk('version');
  }

  /** Works until `killed`, and ends with the failure of a call. Throws a failure before that. */
  async run(killed: AbortSignal): Promise<void> {
    const kinds = [
      () => this.#pullSome(),
      () => this.#deleteImage(),
      () => this.#commit(),
      () => this.#removeSnapshot(),
      () => this.#leaseContent(),
      () => this.#deleteLease(),
    ];
    const any = async () => this.#pick(kinds)?.();
    const forever = async (next: () => Promise<void>) => {
      try {
        while (!killed.aborted) await next();
      } catch (error) {
        if (!killed.aborted) throw error;
      }
    };
    await Promise.all([forever(any), forever(any), forever(any), forever(() => this.#task())]);
  }

  async #pullSome(): Promise<void> {
    const { ledger, registry } = this.#parts;
    // The large one is in the middle of something for longer.
    const tags = ['busybox:latest', 'busybox:oci', 'multi:latest', 'debian:latest'];
    const tag = this.#pick(tags) ?? '';
    const name = this.#fresh('example.org/pulled:');
    await ledger.call('image', name, 'present', () => this.#pull(`${registry}/${tag}`, name));
  }

  async #pull(reference: string, name: string): Promise<void> {
    const platforms = [{ os: 'linux', architecture: process.arch === 'arm64' ? 'arm64' : 'amd64' }];
    await this.#parts.client.transfer.transfer({
      source: packAny(OCIRegistry, { reference }),
      destination: packAny(ImageStore, { name, platforms, unpacks: [{ snapshotter }] }),
    });
  }

  async #deleteImage(): Promise<void> {
    const { client, ledger, random } = this.#parts;
    const name = this.#pick(ledger.present('image'));
    if (name === undefined) return this.#pullSome();
    await ledger.call('image', name, 'absent', () =>
      client.images.delete({ name, sync: random() < 0.5 }),
    );
  }

  /** A new layer on the base, kept by the lease, sometimes also written as a blob. */
  async #commit(): Promise<void> {
    const { client, ledger, random } = this.#parts;
    const options = { lease: 'keep' };
    const name = this.#fresh('committed-');
    const key = `${name}-active`;
    const request = { snapshotter, key, parent: this.#base.chainId };
    const { mounts } = await ledger.call('snapshot', key, 'present', () =>
      client.snapshots.prepare(request, options),
    );
    const upper = mounts[0]?.options.find((option) => option.startsWith('upperdir='));
    fs.writeFileSync(path.join(upper?.slice('upperdir='.length) ?? '', 'new'), name);
    if (random() < 0.5) {
      const diff = {
        left: this.#base.view,
        right: mounts,
        mediaType: layerType,
        ref: `diff-${name}`,
      };
      const answer = await client.diff.diff(diff, options);
      const digest = answer.diff?.digest ?? '';
      await ledger.call('content', digest, 'present', async () => client.content.info({ digest }));
    }
    // The key goes as the name comes.
    await ledger.call('snapshot', key, 'absent', () =>
      ledger.call('snapshot', name, 'present', () =>
        client.snapshots.commit({ snapshotter, name, key }, options),
      ),
    );
  }

  async #removeSnapshot(): Promise<void> {
    const { client, ledger } = this.#parts;
    const key = this.#pick(ledger.present('snapshot').filter((name) => !name.endsWith('-active')));
    if (key === undefined) return this.#commit();
    await ledger.call('snapshot', key, 'absent', () =>
      client.snapshots.remove({ snapshotter, key }),
    );
  }

  /** A blob that nothing but a lease of its own keeps. */
  async #leaseContent(): Promise<void> {
    const { client, ledger } = this.#parts;
    const id = this.#fresh('lease-');
    const data = contentOf(id);
    const digest = digestOf(data);
    await ledger.call('lease', id, 'present', async () => {
      await client.leases.create({ id });
      await ledger.call('content', digest, 'present', async () => {
        const call = client.content.write({ lease: id });
        await call.write({ action: 'COMMIT', ref: id, total: data.length, expected: digest, data });
        for await (const { action } of call) if (action === 'COMMIT') break;
      });
    });
  }

  async #deleteLease(): Promise<void> {
    const { client, ledger } = this.#parts;
    const id = this.#pick(ledger.present('lease'));
    if (id === undefined) return this.#leaseContent();
    const digest = digestOf(contentOf(id));
    await ledger.call('content', digest, 'absent', () =>
      ledger.call('lease', id, 'absent', () => client.leases.delete({ id, sync: true })),
    );
  }

  async #task(): Promise<void> {
    const { containerd, ledger, random } = this.#parts;
    const running = ledger.present('task');
    const id = this.#pick(running);
    if (id !== undefined && (running.length >= mostTasks || random() < 0.3)) {
      await ledger.call('task', id, 'absent', async () => {
        await containerd.ctrOk('tasks', 'rm', '--force', id);
        await containerd.ctrOk('containers', 'rm', id);
      });
      return;
    }
    const created = this.#fresh('task-');
    const runtime = ['--runtime', 'io.containerd.lite.v2'];
    await ledger.call('task', created, 'present', () =>
      containerd.ctrOk('run', ...runtime, '-d', this.#base.image, created, 'sleep', '1000'),
    );
  }

  #fresh(prefix: string): string {
    return `${prefix}${++this.#count}`;
  }

  #pick<T>(choices: readonly T[]): T | undefined {
    return choices[Math.floor(this.#parts.random() * choices.length)];
  }
}

/** What the lease `id` keeps. */
function contentOf(id: string): Buffer {
  return Buffer.from(`${id} ${'x'.repeat(100_000)}`);
}
