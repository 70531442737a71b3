/** Writes one blob into containerd's content store (Content.Write). */
import { setTimeout as sleep } from 'node:timers/promises';
import { inPieces } from '#lib/stream/in-pieces';
import type { ContainerdClient } from '#proto/containerd-client';
import type { WriteContentResponse } from '#proto/generated/containerd.services.content.v1';
import { isStackError } from '#spec/errors';
import type { Descriptor } from '#spec/oci/image';
import { sourceLabels, type Labels, type Source } from '#spec/oci/image-tree';

export interface BlobWrite {
  /** Name of the ingest; two writers of one name exclude each other. */
  ref: string;
  descriptor: Descriptor;
  labels: Labels;
  /** Where it comes from, told by one more label. */
  source?: Source;
  lease: string;
  signal?: AbortSignal;
  /** The blob's bytes from `offset` on. */
  open(offset: number): AsyncIterable<Buffer>;
  /** How many bytes are in the store. */
  onProgress?(bytes: number): void;
}

/** Bytes of one message: few round trips, and well below gRPC's limit of 16 MiB. */
const messageBytes = 1 << 20;
/** Messages that may be on their way without an answer. */
const window = 4;

/** How long an ingest that somebody else writes is waited for, and how often it is looked at. */
const lockedAttempts = 240;
const lockedDelayMs = 500;

/** Stores the blob; nothing happens if it is there already. containerd verifies size and digest before it commits. */
export async function writeBlob({ content }: ContainerdClient, blob: BlobWrite): Promise<void> {
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await transfer(content, blob);
        return;
      } catch (error) {
        if (!isLocked(error) || attempt === lockedAttempts) throw error;
        await sleep(lockedDelayMs, undefined, { ...(blob.signal && { signal: blob.signal }) });
      }
    }
  } catch (error) {
    if (isStackError(error, 'already_exists')) return;
    if (isLocked(error)) throw error; // the other writer's ingest is not ours to abort
    await content.abort({ ref: blob.ref }).catch(() => undefined); // gone, or the daemon is: the lease ends it anyway
    throw error;
  }
}

async function transfer(content: ContainerdClient['content'], blob: BlobWrite): Promise<void> {
  const { ref, descriptor, labels, source, lease, signal } = blob;
  const all = { ...labels, ...(source && sourceLabels({}, source)) };
  const call = content.write({ lease, ...(signal && { signal }) });
  const answers: AsyncIterator<WriteContentResponse> = call[Symbol.asyncIterator]();
  try {
    const base = { ref, total: descriptor.size, expected: descriptor.digest };
    await call.write({ ...base, action: 'STAT' });
    const status = await answers.next();
    // Content that another namespace has arrives complete; an interrupted ingest goes on where it stopped.
    let offset = status.done === true ? 0 : status.value.offset;
    const pending: Promise<unknown>[] = [];
    if (offset < descriptor.size) {
      for await (const data of inPieces(blob.open(offset), messageBytes)) {
        await call.write({ ...base, action: 'WRITE', offset, data });
        offset += data.length;
        blob.onProgress?.(offset);
        pending.push(answers.next());
        if (pending.length === window) await pending.shift();
      }
    }
    await Promise.all(pending);
    await call.write({ ...base, action: 'COMMIT', offset, labels: all });
    await answers.next();
    call.end();
  } catch (error) {
    call.cancel();
    throw error;
  } finally {
    void answers.return?.().catch(() => undefined); // the call has ended either way
  }
}

/** Whether another client of containerd is writing this ingest. */
function isLocked(error: unknown): boolean {
  return isStackError(error, 'unavailable') && error.message.includes('locked');
}
