/** Which runtime a container uses, and with which of runc's global flags. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import { executablePath } from '#lib/installation/installation';
import { isAny, unpackAny } from '#proto/any';
import { Options } from '#proto/generated/containerd.runc.v1';
import type { Any } from '#proto/generated/google.protobuf';
import { Options as GenericOptions } from '#proto/generated/runtimeoptions.v1';

export interface RuntimeOptions {
  /** Path of the runtime, or a name to be found on PATH. */
  binary: string;
  /** --root: where it keeps its containers. */
  root: string;
  systemdCgroup: boolean;
  noPivotRoot: boolean;
  noNewKeyring: boolean;
  /** Owner that the container's output FIFOs get. */
  ioUid: number;
  ioGid: number;
  /** Where criu works while it restores; empty for a folder in the bundle. */
  criuWorkPath: string;
}

/** Where containerd's own shim lets runc keep its containers. */
const runcRoot = '/run/containerd/runc';

/**
 * The options in a CreateTaskRequest. Without a name the runtime is ours, and then it keeps its containers below
 * containerd's state folder, so that two daemons may use the same ids. shim_cgroup is the matter of `start`, and
 * criu_image_path containerd's own, which makes it the checkpoint of the request. Throws unimplemented for options
 * that the shim would have to ignore.
 */
export function readRuntimeOptions(
  any: Any | undefined,
  { bundle, namespace }: { bundle: string; namespace: string },
): RuntimeOptions {
  const options = parseOptions(any);
  // <state>/io.containerd.runtime.v2.task/<namespace>/<id>
  const ownRoot = path.join(path.resolve(bundle, '../../..'), 'runtime');
  const root = options.root || (options.binaryName ? runcRoot : ownRoot);
  return {
    binary: options.binaryName || executablePath('runtime'),
    root: path.join(root, namespace),
    systemdCgroup: options.systemdCgroup,
    noPivotRoot: options.noPivotRoot,
    noNewKeyring: options.noNewKeyring,
    ioUid: options.ioUid,
    ioGid: options.ioGid,
    criuWorkPath: options.criuWorkPath,
  };
}

/** The options of runc's shim; those of other runtimes must say nothing. Without any, the defaults. */
export function parseOptions(any: Any | undefined): Options {
  if (any === undefined || any.typeUrl === '') return Options.decode(Buffer.alloc(0));
  if (!isAny(GenericOptions, any)) return unpackAny(Options, any);
  // How CRI passes options of runtimes it does not know: with nothing set they say nothing.
  const { typeUrl, configPath, configBody } = unpackAny(GenericOptions, any);
  if (typeUrl !== '' || configPath !== '' || configBody.length > 0) {
    throw new StackError(
      'unimplemented',
      'config_path and config_body of runtimeoptions.v1.Options are not implemented',
    );
  }
  return Options.decode(Buffer.alloc(0));
}
