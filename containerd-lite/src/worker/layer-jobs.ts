/** Unpacking layers into snapshots and packing the difference of two. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { packLayer, type LayerSource } from '#lib/pack/pack-layer';
import { NotSelfContained } from '#lib/pack/upper-changes';
import { applyLayer, type ApplyOptions } from '#lib/unpack/apply-layer';
import { readGrowing } from './growing-file.ts';
import type { ApplyJob, DiffJob, JobResults, WorkerSettings } from './protocol.ts';
import { isBind, layersOf, optionOf, readOnlyMounts, visibleTree } from './trees.ts';

/** Bytes of a layer read at once. */
const readChunkBytes = 1024 * 1024;

export async function apply(
  job: ApplyJob,
  { scratch, limits = {} }: WorkerSettings,
): Promise<JobResults['apply']> {
  const layer =
    typeof job.layer === 'string'
      ? fs.createReadStream(job.layer, { highWaterMark: readChunkBytes })
      : readGrowing(job.layer);
  const { root, ...options } = await targetOf(job, scratch);
  const applied = await applyLayer(layer, root, { ...options, limits });
  if (job.sync) execFileSync('sync', ['-f', root]);
  return { diffId: applied.diffId, sizeBytes: applied.sizeBytes, warnings: applied.warnings };
}

export async function diff(job: DiffJob, { scratch }: WorkerSettings): Promise<JobResults['diff']> {
  const { compression, latestTime } = job;
  const fd = fs.openSync(job.file, 'w');
  const pack = (source: LayerSource) =>
    packLayer(source, {
      compression,
      ...(latestTime && { latestTime }),
      write: (bytes) => writeAll(fd, bytes),
    });
  try {
    const upper = upperOf(job);
    if (!upper) return await pack(await mountedTrees(job, scratch));
    try {
      return await pack(upper);
    } catch (error) {
      if (!(error instanceof NotSelfContained)) throw error;
      fs.ftruncateSync(fd);
      return await pack(await mountedTrees(job, scratch));
    }
  } finally {
    fs.closeSync(fd);
  }
}

/** The directory to unpack into. An overlay's upper one is written directly, which needs no mount. */
async function targetOf(
  { mounts }: ApplyJob,
  scratch: string,
): Promise<ApplyOptions & { root: string }> {
  const [only, ...others] = mounts;
  if (only && others.length === 0 && !isBind(only) && only.type === 'overlay') {
    const [upper, ...lowerDirectories] = layersOf(mounts) ?? [];
    if (upper !== undefined && upper === optionOf(only, 'upperdir')) {
      return { root: upper, whiteouts: 'overlay', lowerDirectories };
    }
  }
  return { root: await visibleTree(mounts, path.join(scratch, 'target')), whiteouts: 'delete' };
}

/** The quick way: the right side is the left one with one directory on top, and that directory is the difference. */
function upperOf({ left, right }: DiffJob): LayerSource | undefined {
  const [upper, ...below] = layersOf(right) ?? [];
  const lower = layersOf(left);
  const isOnTop =
    lower?.length === below.length && lower.every((folder, index) => folder === below[index]);
  if (upper === undefined || !isOnTop) return undefined;
  if (lower[0] === undefined) return { kind: 'trees', after: upper };
  return { kind: 'upper', upper, lower: lower[0] };
}

async function mountedTrees({ left, right }: DiffJob, scratch: string): Promise<LayerSource> {
  const after = await visibleTree(readOnlyMounts(right), path.join(scratch, 'right'));
  if (left.length === 0) return { kind: 'trees', after };
  return {
    kind: 'trees',
    before: await visibleTree(readOnlyMounts(left), path.join(scratch, 'left')),
    after,
  };
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done);
  }
}
