/** Entry of the worker threads (bundled as containerd-lite-worker): takes jobs, one at a time, and answers each. */
import fs from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { createSubvolume, destroySubvolume, snapshotSubvolume } from '#lib/sys/btrfs';
import { AT_FDCWD } from '#lib/sys/file';
import { umountFlags } from '#lib/sys/flags';
import { umount2 } from '#lib/sys/mount';
import { removeTree } from '#lib/unpack/remove-tree';
import { diskUsage } from './disk-usage.ts';
import { apply, diff } from './layer-jobs.ts';
import type {
  AnswerMessage,
  Job,
  JobMessage,
  JobResults,
  Outcome,
  WorkerSettings,
} from './protocol.ts';
import { threadHasOwnMounts } from './trees.ts';

const settings = workerData as WorkerSettings; // from FileWorker

/** How often something may be mounted on one path before we give up. */
const maxStackedMounts = 64;

let queue: Promise<void> = Promise.resolve();

parentPort?.on('message', ({ id, job }: JobMessage) => {
  queue = queue.then(async () => {
    let outcome: Outcome;
    try {
      outcome = { ok: true, result: await run(job) };
    } catch (error) {
      const kind = error instanceof StackError ? error.kind : undefined;
      outcome = { ok: false, message: messageOf(error), kind };
    }
    const ends = threadHasOwnMounts();
    parentPort?.postMessage({ id, ends, ...outcome } satisfies AnswerMessage);
    if (ends) parentPort?.close(); // nothing keeps the thread alive any more
  });
});

async function run(job: Job): Promise<JobResults[Job['type']]> {
  switch (job.type) {
    case 'apply':
      return apply(job, settings);
    case 'diff':
      return diff(job, settings);
    case 'usage':
      return diskUsage(job.directory, job.base);
    case 'remove':
      removeTree(AT_FDCWD, Buffer.from(job.path).toString('latin1'));
      return undefined;
    case 'unmount':
      unmountAll(job.target);
      return undefined;
    case 'create subvolume':
      if (job.source === undefined) createSubvolume(job.target);
      else snapshotSubvolume(job.source, job.target, job.readOnly);
      return undefined;
    case 'destroy subvolume':
      if (fs.existsSync(job.target)) destroySubvolume(job.target);
      return undefined;
  }
}

function unmountAll(target: string): void {
  for (let count = 0; count < maxStackedMounts; count++) {
    try {
      umount2(target, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW);
    } catch (error) {
      // EINVAL: nothing (more) is mounted here.
      if (['EINVAL', 'ENOENT'].includes(errorCode(error) ?? '')) return;
      throw error;
    }
  }
}
