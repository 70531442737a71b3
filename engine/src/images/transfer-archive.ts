/** Images as archives, to and from containerd's own hands (containerd.services.transfer.v1): `docker save`, `docker load`. */
import type { ContainerdClient } from '#proto/containerd-client';
import { isAny, packAny, unpackAny } from '#proto/any';
import {
  Data,
  ImageExportStream,
  ImageImportStream,
  ImageStore,
  Progress,
  WindowUpdate,
} from '#proto/generated/containerd.types.transfer';
import { danglingRepository } from './image-names.ts';
import { openStream, type TransferStream } from './transfer-stream.ts';

/** Bytes that containerd may send before it hears from us again. */
const grantBytes = 1 << 20;
const messageBytes = 256 << 10;

/** The archive of images that have these names in containerd's store, piece by piece. Throws not_found. */
export async function* saveImages(
  client: ContainerdClient,
  names: readonly string[],
): AsyncGenerator<Buffer> {
  const [name = '', ...others] = names;
  const stream = await openStream(client, 'export');
  const transferred = client.transfer.transfer({
    source: packAny(ImageStore, {
      name,
      extraReferences: others.map((other) => ({ name: other, isPrefix: false })),
    }),
    destination: packAny(ImageExportStream, { stream: stream.id }),
  });
  transferred.catch(() => stream.cancel()); // said below
  try {
    let granted = 0;
    const grant = async (): Promise<void> => {
      while (granted <= grantBytes) {
        granted += grantBytes;
        await stream.send(WindowUpdate, { update: grantBytes });
      }
    };
    await grant();
    for await (const message of stream.messages) {
      if (!isAny(Data, message)) continue;
      const { data } = unpackAny(Data, message);
      granted -= data.length;
      yield data;
      await grant();
    }
  } catch (error) {
    await transferred; // knows better why the stream broke
    throw error;
  } finally {
    stream.cancel();
  }
  await transferred;
}

/** Stores and unpacks the images of an archive. Returns the names that they have now. */
export async function loadImages(
  client: ContainerdClient,
  snapshotter: string,
  archive: AsyncIterable<Buffer>,
): Promise<string[]> {
  const stream = await openStream(client, 'import');
  const progress = await openStream(client, 'progress');
  const saved: string[] = [];
  const reported = collect(progress, saved);
  const sending = send(stream, archive);
  sending.catch(() => stream.cancel()); // the call fails then
  try {
    await client.transfer.transfer({
      source: packAny(ImageImportStream, { stream: stream.id }),
      destination: packAny(ImageStore, {
        extraReferences: [
          // Images with a whole name in the archive keep it, whatever it begins with.
          { name: 'docker.io', isPrefix: true, allowOverwrite: true },
          // All are kept by what they are, until it is clear which have no other name.
          { name: danglingRepository, isPrefix: true, addDigest: true, skipNamedDigest: true },
        ],
        unpacks: [{ snapshotter }],
      }),
      options: { progressStream: progress.id },
    });
    await reported;
    return [...new Set(saved)];
  } finally {
    stream.cancel();
    progress.cancel();
  }
}

async function collect(stream: TransferStream, saved: string[]): Promise<void> {
  try {
    for await (const message of stream.messages) {
      if (!isAny(Progress, message)) continue;
      const { event, name } = unpackAny(Progress, message);
      if (event === 'saved') saved.push(name);
    }
  } catch {
    // The call itself says what went wrong.
  }
}

async function send(stream: TransferStream, archive: AsyncIterable<Buffer>): Promise<void> {
  const grants = stream.messages[Symbol.asyncIterator]();
  let window = 0;
  for await (const bytes of archive) {
    for (let at = 0; at < bytes.length;) {
      while (window <= 0) {
        const next = await grants.next();
        if (next.done === true) return; // it has read enough
        if (isAny(WindowUpdate, next.value)) window += unpackAny(WindowUpdate, next.value).update;
      }
      const end = Math.min(at + messageBytes, at + window, bytes.length);
      await stream.send(Data, { data: bytes.subarray(at, end) });
      window -= end - at;
      at = end;
    }
  }
  stream.end();
}
