/** Entry of the worker threads (bundled as containerd-lite-worker): takes jobs, one at a time, and answers each. */
import fs from 'node:fs';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { StackError, errorCode, messageOf } from '#spec/errors';
import { umountFlags } from '#lib/sys/flags';
import { umount2 } from '#lib/sys/mount';
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
      return usage(job.directory);
    case 'remove':
      fs.rmSync(job.path, { recursive: true, force: true });
      return undefined;
    case 'unmount':
      unmountAll(job.target);
      return undefined;
  }
}

/** Blocks and inodes below a directory, itself included; files with several links count once. */
function usage(directory: string): JobResults['usage'] {
  const seen = new Set<number>();
  let size = 0;
  let inodes = 0;
  const visit = (file: string) => {
    const status = fs.lstatSync(file);
    if (!seen.has(status.ino)) {
      seen.add(status.ino);
      size += status.blocks * 512;
      inodes++;
    }
    if (status.isDirectory()) {
      for (const name of fs.readdirSync(file)) visit(path.join(file, name));
    }
  };
  visit(directory);
  return { size, inodes };
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
