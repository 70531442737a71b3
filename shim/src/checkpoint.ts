/** The runtime's command lines for saving a container with criu and for continuing a saved one. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';
import { unpackAny } from '#proto/any';
import { CheckpointOptions } from '#proto/generated/containerd.runc.v1';
import type { Any } from '#proto/generated/google.protobuf';
import type { RuntimeCommand } from './runtime-command.ts';
import type { ContainerState } from './state.ts';

/** Saves the container to the folder `image`. Throws what the runtime reports, with criu's log in the bundle. */
export async function checkpoint(
  runtime: RuntimeCommand,
  { id, bundle }: ContainerState,
  image: string,
  any: Any | undefined,
): Promise<void> {
  if (image === '') throw new StackError('invalid_argument', 'a checkpoint needs a path');
  const options = any ? unpackAny(CheckpointOptions, any) : CheckpointOptions.decode(noOptions);
  const work = options.workPath || path.join(bundle, 'criu-work');
  const flags = [
    ...['--image-path', image, '--work-path', work],
    ...(options.openTcp ? ['--tcp-established'] : []),
    ...(options.externalUnixSockets ? ['--ext-unix-sk'] : []),
    ...(options.terminal ? ['--shell-job'] : []),
    ...(options.fileLocks ? ['--file-locks'] : []),
    ...(options.cgroupsMode ? ['--manage-cgroups-mode', options.cgroupsMode] : []),
    ...options.emptyNamespaces.flatMap((namespace) => ['--empty-ns', namespace]),
    ...(options.exit ? [] : ['--leave-running']),
  ];
  try {
    await runtime.run('OCI runtime checkpoint failed', {
      args: ['checkpoint', ...flags, id],
      isLong: true,
    });
  } catch (error) {
    const log = path.join(bundle, 'criu-dump.log');
    if (!keepLog(path.join(work, 'dump.log'), log)) throw error;
    throw new StackError('internal', `${messageOf(error)} path= ${log}`, { cause: error });
  } finally {
    if (options.workPath === '') fs.rmSync(work, { recursive: true, force: true });
  }
}

/** Flags of `runtime restore` for a container that was created from a checkpoint. */
export function restoreFlags({ bundle, checkpoint, runtime }: ContainerState): string[] {
  const { image = '', parent = '' } = checkpoint ?? {};
  const work = runtime.criuWorkPath || path.join(bundle, 'criu-work');
  return [
    ...['--image-path', image, '--work-path', work, '--bundle', bundle],
    ...(parent ? ['--parent-path', parent] : []),
    ...(runtime.noPivotRoot ? ['--no-pivot'] : []),
    ...['--detach', '--no-subreaper'],
  ];
}

const noOptions = Buffer.alloc(0);

function keepLog(from: string, to: string): boolean {
  try {
    fs.copyFileSync(from, to);
    return true;
  } catch {
    return false; // criu did not come as far as writing one
  }
}
