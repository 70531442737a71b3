/** What holds of a containerd-lite's folders after every restart, whatever it was doing when it was killed. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { ContainerdClient } from '#proto/containerd-client';
import type { ContainerdLite } from '../containerd/containerd-lite.ts';

/** What the daemon says that it has. */
export interface Listing {
  images: Map<string, string>;
  content: Set<string>;
  snapshots: Set<string>;
  leases: Set<string>;
  /** Pids by container. */
  tasks: Map<string, number>;
  containers: Set<string>;
}

export async function list(client: ContainerdClient): Promise<Listing> {
  const content = new Set<string>();
  for await (const { info } of client.content.list({})) {
    for (const { digest } of info) content.add(digest);
  }
  const snapshots = new Set<string>();
  for await (const { info } of client.snapshots.list({ snapshotter: 'overlayfs' })) {
    for (const { name } of info) snapshots.add(name);
  }
  const { images } = await client.images.list({});
  const { leases } = await client.leases.list({});
  const { tasks } = await client.tasks.list({});
  const { containers } = await client.containers.list({});
  return {
    images: new Map(images.map(({ name, target }) => [name, target?.digest ?? ''])),
    content,
    snapshots,
    leases: new Set(leases.map(({ id }) => id)),
    tasks: new Map(
      tasks.filter(({ status }) => status === 'RUNNING').map(({ id, pid }) => [id, pid]),
    ),
    containers: new Set(containers.map(({ id }) => id)),
  };
}

/** Files whose digests were right already, by name, inode and time. */
const verified = new Set<string>();

/** Sentences about blobs, ingests and snapshots that are not as they are said to be. Call it after a collection. */
export async function wrongOnDisk(
  { folder }: ContainerdLite,
  client: ContainerdClient,
  listing: Listing,
): Promise<string[]> {
  const store = path.join(folder, 'root/io.containerd.content.v1.content');
  const blobs = fs.readdirSync(path.join(store, 'blobs/sha256'));
  const wrong = blobs.filter((hex) => !isWhole(path.join(store, 'blobs/sha256', hex), hex));
  const unknown = blobs.filter((hex) => !listing.content.has(`sha256:${hex}`));
  const missing = [...listing.content].filter((digest) => !blobs.includes(digest.slice(7)));
  const { statuses } = await client.content.listStatuses({});
  // One that was begun and has no bytes yet is not shown.
  const ingests = fs
    .readdirSync(path.join(store, 'ingest'))
    .filter((name) => fs.existsSync(path.join(store, 'ingest', name, 'data')));
  const folders = fs
    .readdirSync(path.join(folder, 'root/io.containerd.snapshotter.v1.overlayfs/snapshots'))
    .filter((name) => /^\d+$/.test(name));
  return [
    ...wrong.map((hex) => `blob ${hex} is not what its name says`),
    ...unknown.map((hex) => `blob ${hex} is known to nobody`),
    ...missing.map((digest) => `content ${digest} has no file`),
    ...(ingests.length === statuses.length
      ? []
      : [`${ingests.length} folders of ${statuses.length} ingests`]),
    ...(folders.length === listing.snapshots.size
      ? []
      : [`${folders.length} folders of ${listing.snapshots.size} snapshots`]),
  ];
}

/** Sentences about images that lack content or snapshots. */
export async function incompleteImages(
  client: ContainerdClient,
  { images, content, snapshots }: Listing,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, target] of images) {
    const { info } = await client.content.info({ digest: target });
    const references = Object.entries(info?.labels ?? {}).filter(([key]) => key.includes('gc.ref'));
    for (const [key, digest] of references) {
      // An index names platforms that were not asked for.
      if (!key.includes('.m.') && !content.has(digest)) wrong.push(`${name} lacks ${digest}`);
      if (!key.endsWith('.config')) continue;
      const config = await client.content.info({ digest });
      const chainId = config.info?.labels['containerd.io/gc.ref.snapshot.overlayfs'];
      if (chainId === undefined || !snapshots.has(chainId)) wrong.push(`${name} is not unpacked`);
    }
  }
  return wrong;
}

/** Sentences about tasks that do not live, and about what no task has: bundles and mounts. */
export function wrongTasks(containerd: ContainerdLite, { tasks }: Listing): string[] {
  const dead = [...tasks].filter(([, pid]) => !fs.existsSync(`/proc/${pid}/root`));
  const foreign = containerd
    .leftovers()
    .filter((line) => ![...tasks.keys()].some((id) => new RegExp(`/${id}(/| |$)`).test(line)));
  return [
    ...dead.map(([id, pid]) => `task ${id} with pid ${pid} does not live`),
    ...foreign.map((line) => `${line} belongs to no task`),
  ];
}

function isWhole(file: string, hex: string): boolean {
  const { ino, mtimeMs } = fs.statSync(file);
  const key = `${hex} ${ino} ${mtimeMs}`;
  if (verified.has(key)) return true;
  const whole = createHash('sha256').update(fs.readFileSync(file)).digest('hex') === hex;
  if (whole) verified.add(key);
  return whole;
}
