/**
 * Pulls an image by one call: containerd itself downloads and unpacks (containerd.services.transfer.v1), tells on a stream
 * how far it is, and asks on another one for credentials. When engined dies, containerd gives the pull up.
 */
import type { ContainerdClient } from '#proto/containerd-client';
import { isAny, packAny, unpackAny } from '#proto/any';
import {
  AuthRequest,
  AuthResponse,
  ImageStore,
  OCIRegistry,
  Progress,
} from '#proto/generated/containerd.types.transfer';
import type { RegistryCredentials } from '#lib/registry/credentials';
import {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  runnablePlatforms,
} from '#lib/registry/platform';
import { isStackError, StackError } from '#spec/errors';
import type { Descriptor, Platform } from '#spec/oci/image';
import { formatReference, type ImageReference } from '#spec/reference';
import type { PullOptions } from './image-service.ts';
import type { PullReporter } from './pull-progress.ts';
import { TransferReporter } from './transfer-progress.ts';
import { endTransfer, transferName, unnamedMs } from './transfer-names.ts';
import { openStream, type TransferStream } from './transfer-stream.ts';

/** A pulled image under a name that keeps it until it has the right one. */
export interface TransferredImage {
  target: Descriptor;
  /** Drops that name. */
  release(): Promise<void>;
}

/** Whether containerd pulls by itself. Asked once per peer. */
export async function hasTransfer({ introspection }: ContainerdClient): Promise<boolean> {
  const filters = ['type=="io.containerd.transfer.v1"'];
  const { plugins } = await introspection.plugins({ filters });
  return plugins.length > 0;
}

/** Throws what containerd says, in docker's words; nothing stays behind then. */
export async function pullByTransfer(
  client: ContainerdClient,
  snapshotter: string,
  reference: ImageReference,
  { platform: wanted, credentials, signal }: PullOptions,
  reporter: PullReporter,
): Promise<TransferredImage> {
  const platform = wanted === undefined ? hostPlatform() : parsePlatform(wanted);
  const name = transferName();
  const streams: TransferStream[] = [];
  try {
    const progress = await openStream(client, 'progress');
    streams.push(progress);
    const reported = report(progress, new TransferReporter(reporter, reference));
    const auth = credentials && (await openStream(client, 'auth'));
    if (auth) {
      streams.push(auth);
      void answer(auth, credentials);
    }
    const source = {
      reference: formatReference(reference),
      resolver: { authStream: auth?.id ?? '' },
    };
    await client.transfer.transfer(
      {
        source: packAny(OCIRegistry, source),
        destination: packAny(ImageStore, destination(name, snapshotter, platform)),
        options: { progressStream: progress.id },
      },
      { ...(signal && { signal }) },
    );
    await reported;
    const { image } = await client.images.get({ name });
    if (!image?.target) throw new StackError('internal', `containerd stored no image "${name}"`);
    const { mediaType, digest, size } = image.target;
    return { target: { mediaType, digest, size }, release: () => endTransfer(client, name) };
  } catch (error) {
    await endTransfer(client, name);
    throw inDockersWords(error, platform);
  } finally {
    for (const stream of streams) stream.cancel();
  }
}

/** One image of those that this machine (or the one pulled for) can run, unpacked. */
function destination(name: string, snapshotter: string, platform: Platform) {
  const platforms = runnablePlatforms(platform).map(wirePlatform);
  return {
    name,
    labels: { 'containerd.io/gc.expire': new Date(Date.now() + unnamedMs).toISOString() },
    platforms,
    manifestLimit: 1,
    unpacks: [{ snapshotter }],
  };
}

/** A platform as containerd's API has it. */
export function wirePlatform({ os, architecture, variant = '' }: Platform) {
  return { os, architecture, variant };
}

async function report(stream: TransferStream, reporter: TransferReporter): Promise<void> {
  try {
    for await (const message of stream.messages) {
      if (isAny(Progress, message)) reporter.step(unpackAny(Progress, message));
    }
  } catch {
    // The call itself says what went wrong.
  }
}

/** Gives the same credentials to whoever asks: they are for the one registry that is pulled from. */
async function answer(stream: TransferStream, credentials: RegistryCredentials): Promise<void> {
  try {
    for await (const message of stream.messages) {
      if (isAny(AuthRequest, message)) await stream.send(AuthResponse, responseOf(credentials));
    }
  } catch {
    // The call itself says what went wrong.
  }
}

function responseOf({ username, password, identityToken, registryToken }: RegistryCredentials) {
  if (registryToken !== undefined) {
    return { authType: 'HEADER', secret: `Bearer ${registryToken}` } as const;
  }
  if (identityToken !== undefined) return { authType: 'REFRESH', secret: identityToken } as const;
  return { authType: 'CREDENTIALS', username: username ?? '', secret: password ?? '' } as const;
}

/** containerd's sentences about a layer and a platform, as docker says them. */
function inDockersWords(error: unknown, platform: Platform): unknown {
  if (!isStackError(error)) return error;
  const { kind, message } = error;
  if (message.startsWith('no match for platform')) {
    const missing = `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`;
    return new StackError(kind, missing, { cause: error });
  }
  const layer = /^failed to extract layer (.*)$/s.exec(message)?.[1];
  if (layer === undefined) return error;
  return new StackError(kind, `failed to register layer ${layer}`, { cause: error });
}
