/**
 * What containers see under other ids than the host: the user namespace that they share, and the layers of images,
 * whose files belong there to the namespace's root and users without being changed on disk.
 *
 *     <exec-root>/userns/namespace     the namespace, kept by a mount; maps.json says what it maps
 *     <exec-root>/userns/forth/<key>   a folder of layers, the host's ids shown as those of the namespace
 *     <exec-root>/userns/back/<key>    a container's own layer the other way round, while it is committed
 */
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import { readMounts } from '#lib/mounts/mountinfo';
import { umountFlags } from '#lib/sys/flags';
import { errorCode } from '#spec/errors';
import type { SnapshotMount } from '../container-spec/root-files.ts';
import type { KernelThread } from '../kernel/kernel-thread.ts';
import { ownerOnHost, rootOnHost, type IdMaps, type Owner } from './id-map.ts';

type Direction = 'forth' | 'back';

export class Remapping {
  readonly maps: IdMaps;
  /** Who the containers' root is on the host. */
  readonly root: Owner;
  /** The namespace that containers join. */
  readonly namespacePath: string;
  readonly #kernel: KernelThread;
  readonly #folder: string;
  /** Where folders of layers are shown. */
  readonly #shown = new Map<string, Promise<string>>();

  constructor(maps: IdMaps, execRoot: string, kernel: KernelThread) {
    this.maps = maps;
    this.root = rootOnHost(maps);
    this.#kernel = kernel;
    this.#folder = path.join(execRoot, 'userns');
    this.namespacePath = path.join(this.#folder, 'namespace');
  }

  /** Finds the namespace that running containers are in, or makes it. */
  async start(): Promise<void> {
    await fs.promises.mkdir(this.#folder, { recursive: true, mode: 0o711 });
    await this.#hideLayers();
    const noted = path.join(this.#folder, 'maps.json');
    const maps = JSON.stringify(this.maps);
    const isKept = await this.#kernel.call('isSandbox', { path: this.namespacePath });
    if (isKept && (await textOf(noted)) === maps) return;
    await this.#kernel.call('removeUserNamespace', { path: this.namespacePath });
    await this.#kernel.call('createUserNamespace', { path: this.namespacePath, maps: this.maps });
    await writeFileAtomic(noted, maps);
  }

  /** Takes everything back, but for containers that run the namespace that later ones are to share with them. */
  async stop({ containersRun }: { containersRun: boolean }): Promise<void> {
    await this.#hideLayers();
    if (containersRun) return;
    await this.#kernel.call('removeUserNamespace', { path: this.namespacePath });
    await this.#kernel.call('removeTree', { path: this.#folder });
  }

  /** The mounts of a container's root, as its processes are to see it. */
  async inside<M extends SnapshotMount>(mounts: readonly M[]): Promise<M[]> {
    return Promise.all(
      mounts.map(async (mount) => {
        if (mount.type !== 'overlay') return mount;
        const options = await Promise.all(
          mount.options.map(async (option) => {
            if (!option.startsWith('lowerdir=')) return option;
            const layers = option.slice('lowerdir='.length).split(':');
            const shown = await Promise.all(layers.map((layer) => this.#show(layer)));
            return `lowerdir=${shown.join(':')}`;
          }),
        );
        return { ...mount, options };
      }),
    );
  }

  /**
   * Lets `action` look at the same root with the owners that an image of it has. Only the container's own layer differs
   * from that, and it is shown alone: folders above it belong to nobody the other way round, so that nobody may pass.
   */
  async asImage<M extends SnapshotMount, Result>(
    mounts: readonly M[],
    action: (mounts: M[]) => Promise<Result>,
  ): Promise<Result> {
    const shown: string[] = [];
    const show = async (layer: string): Promise<string> => {
      const target = await this.#mount(layer, 'back', randomBytes(4).toString('hex'));
      shown.push(target);
      return target;
    };
    try {
      const asImage: M[] = [];
      for (const mount of mounts) asImage.push(await readOnlyWith(mount, show));
      return await action(asImage);
    } finally {
      for (const target of shown) {
        await this.#kernel.call('unmountFileSystem', { target, flags: umountFlags.MNT_DETACH });
        await fs.promises.rmdir(target);
      }
    }
  }

  /** Gives the root folder of a new container's own layer to who has it inside. */
  async adoptNew(mounts: readonly SnapshotMount[]): Promise<void> {
    for (const { type, source, options } of mounts) {
      const upper =
        type === 'overlay'
          ? options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length)
          : source;
      if (upper === undefined) continue;
      const { uid, gid } = await fs.promises.stat(upper);
      const owner = ownerOnHost(this.maps, { uid, gid }) ?? this.root;
      await fs.promises.chown(upper, owner.uid, owner.gid);
    }
  }

  /** Where a layer is seen with the namespace's owners. Layers lie as `FOLDER/ID/fs`; one mount shows all of a folder. */
  async #show(layer: string): Promise<string> {
    const folder = path.dirname(path.dirname(layer));
    let shown = this.#shown.get(folder);
    if (!shown) {
      const name = createHash('sha256').update(folder).digest('hex').slice(0, 8);
      shown = this.#mount(folder, 'forth', name);
      this.#shown.set(folder, shown);
      shown.catch(() => this.#shown.delete(folder));
    }
    return path.join(await shown, path.relative(folder, layer));
  }

  async #mount(source: string, direction: Direction, name: string): Promise<string> {
    const target = path.join(this.#folder, direction, name);
    await fs.promises.mkdir(target, { recursive: true, mode: 0o700 });
    const { maps } = this;
    const backwards = direction === 'back';
    await this.#kernel.call('mountTranslated', { source, target, maps, backwards });
    return target;
  }

  /** Roots that were mounted with them keep what they have. */
  async #hideLayers(): Promise<void> {
    this.#shown.clear();
    const folders = (['forth', 'back'] as const).map((name) => path.join(this.#folder, name));
    for (const { mountPoint } of readMounts().reverse()) {
      if (!folders.some((folder) => mountPoint.startsWith(`${folder}/`))) continue;
      await this.#kernel.call('unmountFileSystem', {
        target: mountPoint,
        flags: umountFlags.MNT_DETACH,
      });
    }
    for (const folder of folders) await this.#kernel.call('removeTree', { path: folder });
  }
}

async function readOnlyWith<M extends SnapshotMount>(
  mount: M,
  show: (layer: string) => Promise<string>,
): Promise<M> {
  if (mount.type !== 'overlay') {
    return { ...mount, source: await show(mount.source), options: ['ro', 'rbind'] };
  }
  const value = (name: string): string | undefined =>
    mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = value('upperdir');
  const above = upper === undefined ? [] : [await show(upper)];
  const lower = [...above, value('lowerdir') ?? ''].join(':');
  const others = mount.options.filter(
    (option) => !/^(upperdir|lowerdir|workdir)=|^(ro|rw)$/.test(option),
  );
  return { ...mount, options: [...others, 'ro', `lowerdir=${lower}`] };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await fs.promises.readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
