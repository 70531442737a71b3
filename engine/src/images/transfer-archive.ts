/** Loads images by containerd's own hands (containerd.services.transfer.v1): it reads the archive, stores and unpacks. */
import type { ContainerdClient } from '#proto/containerd-client';
import { isAny, packAny, unpackAny } from '#proto/any';
import {
  Data,
  ImageImportStream,
  ImageStore,
  Progress,
  WindowUpdate,
} from '#proto/generated/containerd.types.transfer';
import type { Descriptor } from '#spec/oci/image';
import type { LoadOptions } from './image-service.ts';
import type { LoadReporter } from './load-progress.ts';
import { openStream, type TransferStream } from './transfer-stream.ts';
import { endTransfer, transferName, unnamedMs } from './transfer-names.ts';
import { wirePlatform } from './transfer-pull.ts';

const messageBytes = 256 << 10;

/**
 * Stores and unpacks the images of an archive, under names that nobody sees, and hands them to `use`, which gives them
 * lasting ones. Throws what containerd says.
 */
export async function loadByTransfer(
  client: ContainerdClient,
  snapshotter: string,
  archive: AsyncIterable<Buffer>,
  { platform, signal }: LoadOptions,
  reporter: LoadReporter,
  use: (images: readonly Descriptor[]) => Promise<void>,
): Promise<void> {
  const stream = await openStream(client, 'import');
  const progress = await openStream(client, 'progress');
  const saved = new Map<string, Descriptor[]>();
  const reported = collect(progress, saved, reporter);
  const sending = send(stream, archive);
  sending.catch(() => stream.cancel()); // the call fails then
  const prefix = transferName();
  try {
    await client.transfer.transfer(
      {
        source: packAny(ImageImportStream, { stream: stream.id }),
        destination: packAny(ImageStore, {
          labels: { 'containerd.io/gc.expire': new Date(Date.now() + unnamedMs).toISOString() },
          extraReferences: [{ name: prefix, isPrefix: true, addDigest: true }],
          platforms: platform ? [wirePlatform(platform)] : [],
          unpacks: [{ snapshotter }],
        }),
        options: { progressStream: progress.id },
      },
      { ...(signal && { signal }) },
    );
    await reported;
    await use(unique([...saved.values()].flat()));
  } finally {
    stream.cancel();
    progress.cancel();
    await endTransfer(client, prefix);
  }
}

/** Each with its name once: an image is saved under several. */
function unique(images: readonly Descriptor[]): Descriptor[] {
  const key = ({ digest, annotations }: Descriptor) => JSON.stringify([digest, annotations]);
  return [...new Map(images.map((image) => [key(image), image])).values()];
}

async function collect(
  stream: TransferStream,
  saved: Map<string, Descriptor[]>,
  reporter: LoadReporter,
): Promise<void> {
  try {
    for await (const message of stream.messages) {
      if (!isAny(Progress, message)) continue;
      const { event, name, desc, progress } = unpackAny(Progress, message);
      if (!desc) continue;
      const { mediaType, digest, size, annotations } = desc;
      const image = { mediaType, digest, size, annotations };
      if (event === 'saved') saved.set(name, [...(saved.get(name) ?? []), image]);
      else if (event === 'extracting') reporter.layer(image, progress);
      else if (event === 'extracted') reporter.layer(image, size);
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
