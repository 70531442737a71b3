/** Bind mounts: `-v /host:/container:ro` and `--mount type=bind`. */
import path from 'node:path';
import type { HostConfig } from '../api/host-config.ts';
import { StackError } from '#spec/errors';

export const propagations = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
] as const;
export type Propagation = (typeof propagations)[number];

export interface BindMount {
  source: string;
  destination: string;
  writable: boolean;
  propagation: Propagation;
  /** Whether mounts below the source come along. */
  recursive: boolean;
  /** Whether a missing source becomes a folder, as `-v` promises. */
  createSource: boolean;
  /** As the user wrote it, for inspect. */
  mode: string;
}

/** Every bind mount of a HostConfig. Throws invalid_argument, and unimplemented for named volumes. */
export function bindMounts({ Binds: binds, Mounts: mounts = [] }: HostConfig): BindMount[] {
  const described = mounts
    .filter(({ Type: type }) => type === 'bind')
    .map(
      ({
        Source: source = '',
        Target: target,
        ReadOnly: readonly = false,
        BindOptions: options,
      }) => ({
        source: checkedSource(source, `type=bind,source=${source},target=${target}`),
        destination: checkedDestination(target),
        writable: !readonly,
        propagation: parsePropagation(options?.Propagation || 'rprivate'),
        recursive: !options?.NonRecursive,
        createSource: options?.CreateMountpoint ?? false,
        mode: '',
      }),
    );
  return [...(binds ?? []).map(parseBind), ...described];
}

/** `source:destination[:options]`. */
export function parseBind(text: string): BindMount {
  const [source = '', destination, options = '', ...rest] = text.split(':');
  if (destination === undefined || rest.length > 0) {
    throw new StackError('invalid_argument', `invalid volume specification: '${text}'`);
  }
  const bind: BindMount = {
    source: checkedSource(source, text),
    destination: checkedDestination(destination),
    writable: true,
    propagation: 'rprivate',
    recursive: true,
    createSource: true,
    mode: options,
  };
  for (const option of options.split(',').filter((item) => item !== '')) {
    if (option === 'ro') bind.writable = false;
    else if (isPropagation(option)) bind.propagation = option;
    // z and Z relabel for SELinux, which is not there; the last three speak of other systems.
    else if (!['rw', 'z', 'Z', 'consistent', 'cached', 'delegated'].includes(option)) {
      throw new StackError('invalid_argument', `invalid mode: ${options} in '${text}'`);
    }
  }
  return bind;
}

function checkedSource(source: string, text: string): string {
  if (path.isAbsolute(source)) return path.normalize(source);
  if (/^[a-zA-Z0-9][\w.-]*$/.test(source)) {
    throw new StackError(
      'unimplemented',
      `'${text}': named volumes are not implemented by this engine`,
    );
  }
  throw new StackError('invalid_argument', `invalid volume specification: '${text}'`);
}

function checkedDestination(destination: string): string {
  const normalized = path.normalize(destination);
  if (!path.isAbsolute(destination) || normalized === '/') {
    throw new StackError(
      'invalid_argument',
      `invalid volume specification: destination '${destination}' must be absolute and not '/'`,
    );
  }
  return normalized.replace(/\/$/, '');
}

function isPropagation(text: string): text is Propagation {
  return (propagations as readonly string[]).includes(text);
}

function parsePropagation(text: string): Propagation {
  if (isPropagation(text)) return text;
  throw new StackError('invalid_argument', `invalid propagation mode: ${text}`);
}
