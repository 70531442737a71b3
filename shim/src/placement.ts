/** Where the shim of a container listens, and for what: the container's annotations may say. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import type { CommandLine } from './command-line.ts';
import { socketFolder, socketPath } from './socket-address.ts';

/** Containers with the same value share a shim. The first one that is there counts. */
const groupAnnotations = ['io.containerd.runc.v2.group', 'io.kubernetes.cri.sandbox-id'];
/** `ttrpc` (the default) or `grpc`; ours. */
const protocolAnnotation = 'io.containerd.lite.v2.protocol';

export interface Placement {
  /** Path. */
  socket: string;
  /** Whether the path is another one than the container's id stands for. */
  isShared: boolean;
  protocol: 'ttrpc' | 'grpc';
}

/** Reads config.json of a bundle. Throws invalid_argument where it cannot be read or asks for an unknown protocol. */
export function placementOf(
  bundle: string,
  { address, namespace, id }: Pick<CommandLine, 'address' | 'namespace' | 'id'>,
  folder: string = socketFolder,
): Placement {
  const annotations = readAnnotations(path.join(bundle, 'config.json'));
  const group = groupAnnotations.map((name) => annotations[name]).find((value) => value) ?? id;
  const protocol = annotations[protocolAnnotation] ?? 'ttrpc';
  if (protocol !== 'ttrpc' && protocol !== 'grpc') {
    throw new StackError(
      'invalid_argument',
      `annotation ${protocolAnnotation} is "${protocol}": want ttrpc or grpc`,
    );
  }
  const socket = socketPath(address, namespace, group, folder);
  return { socket, isShared: socket !== socketPath(address, namespace, id), protocol };
}

function readAnnotations(file: string): Readonly<Record<string, string | undefined>> {
  try {
    const config = JSON.parse(fs.readFileSync(file, 'utf8')) as {
      annotations?: Record<string, string> | null;
    };
    return config.annotations ?? {};
  } catch (error) {
    throw new StackError('invalid_argument', `cannot read ${file}: ${messageOf(error)}`);
  }
}
