/** Work on the files of containers, off the main thread: the kernel blocks in it, and archives come from anywhere. */
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pipe } from '#lib/sys/pipe';
import { workerPath } from '#lib/installation/installation';
import { StackError, isStackError } from '#spec/errors';
import { thrownError } from '../kernel/plain-error.ts';
import type { IdMaps, Owner } from '../userns/id-map.ts';
import type { PathStat, RootJob, RootTask, RootView } from './protocol.ts';

type Answer = { result: unknown } | { error: Parameters<typeof thrownError>[0] };

/** Does one job. Throws what it throws, not_found for a path that is not there. */
export async function runInRoot(view: RootView, job: RootJob): Promise<unknown> {
  const worker = new Worker(workerPath('engined-rootfs-worker'), {
    workerData: { view, job } satisfies RootTask,
  });
  return new Promise<unknown>((resolve, reject) => {
    worker.on('message', (answer: Answer) => {
      if ('error' in answer) reject(thrownError(answer.error));
      else resolve(answer.result);
    });
    worker.on('error', reject);
    worker.on('exit', () =>
      reject(new StackError('internal', 'the thread ended before it answered')),
    );
  });
}

/** What stands at a path of a container. */
export async function statInRoot(view: RootView, path: string): Promise<PathStat> {
  return (await runInRoot(view, { kind: 'stat', path })) as PathStat; // what the job returns
}

/** An archive as it is made: its bytes, and how it ended. Destroying the stream ends the work. */
export interface ArchiveStream {
  readonly bytes: Readable;
  readonly done: Promise<void>;
}

export interface PackOptions {
  path?: string;
  /** How the container's ids differ from the host's; undefined where they do not. */
  ids?: IdMaps | undefined;
}

/** Packs a path of a container, or without `path` all of its root. */
export function packFromRoot(view: RootView, { path, ids }: PackOptions): ArchiveStream {
  const { readEnd, writeEnd } = pipe();
  const bytes = new net.Socket({ fd: readEnd, readable: true, writable: false });
  const job: RootJob =
    path === undefined
      ? { kind: 'export', output: writeEnd, ...(ids && { ids }) }
      : { kind: 'archive', path, output: writeEnd, ...(ids && { ids }) };
  const done = runInRoot(view, job).then(
    () => undefined,
    (error: unknown) => {
      bytes.destroy();
      throw error;
    },
  );
  done.catch(() => undefined); // whoever reads learns it from `done`
  return { bytes, done };
}

/** Unpacks an archive into a directory of a container. */
export async function extractIntoRoot(
  view: RootView,
  archive: Readable,
  options: { path: string; keepKinds: boolean; owner?: Owner; ids?: IdMaps },
): Promise<void> {
  const { readEnd, writeEnd } = pipe();
  const socket = new net.Socket({ fd: writeEnd, readable: false, writable: true });
  const work = runInRoot(view, { kind: 'extract', input: readEnd, ...options });
  // A thread that has failed reads no more: whatever is still to come is of no interest.
  const ended = work.then(
    () => undefined,
    () => socket.destroy(),
  );
  const [sent] = await Promise.allSettled([pipeline(archive, socket), ended]);
  // Cut off where it was damaged, an archive may look complete.
  if (sent.status === 'rejected' && isStackError(sent.reason)) throw sent.reason;
  await work;
}
