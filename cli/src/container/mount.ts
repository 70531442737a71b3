/** `--mount type=bind,src=/a,dst=/b,readonly`. */
import path from 'node:path';
import { UsageError, splitOnce } from '../command-line/parse.ts';
import { parseBytes } from '../format/units.ts';
import { splitCsv } from './devices.ts';

interface Mount {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Record<string, unknown>;
  VolumeOptions?: Record<string, unknown>;
  ImageOptions?: Record<string, unknown>;
  TmpfsOptions?: Record<string, unknown>;
}

/** Keys that may stand without a value, for true. */
const withoutValue = new Set(['readonly', 'ro', 'volume-nocopy', 'bind-nonrecursive']);

/** The type that a group of options belongs to. */
const typeOfOptions = {
  VolumeOptions: 'volume',
  ImageOptions: 'image',
  BindOptions: 'bind',
  TmpfsOptions: 'tmpfs',
} as const;

/** Throws {@link UsageError} in docker's words. */
export function parseMount(value: string): Mount {
  const mount: Mount = { Type: 'volume' };
  const wrong = (reason: string): UsageError =>
    new UsageError(`invalid argument "${value}" for "--mount" flag: ${reason}`);
  for (const field of splitCsv(value)) {
    const [name, given] = splitOnce(field, '=');
    const key = name.toLowerCase();
    if (given === undefined && !withoutValue.has(key)) {
      throw wrong(`invalid field '${field}' must be a key=value pair`);
    }
    setField(mount, key, given ?? 'true', { field, wrong });
  }
  if (mount.Type === '') throw wrong('type is required');
  if (mount.Target === undefined || mount.Target === '') throw wrong('target is required');
  for (const [group, type] of Object.entries(typeOfOptions)) {
    if (mount[group as keyof Mount] !== undefined && mount.Type !== type) {
      throw wrong(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  }
  checkRecursive(mount, wrong);
  return mount;
}

interface FieldContext {
  field: string;
  wrong: (reason: string) => UsageError;
}

function setField(mount: Mount, key: string, value: string, { field, wrong }: FieldContext): void {
  const flag = (): boolean => {
    if (/^(1|t|true)$/i.test(value)) return true;
    if (/^(0|f|false)$/i.test(value)) return false;
    throw wrong(`invalid value for ${key}: ${value}`);
  };
  switch (key) {
    case 'type':
      mount.Type = value.toLowerCase();
      return;
    case 'source':
    case 'src':
      mount.Source = value.startsWith('.') ? path.resolve(value) : value;
      return;
    case 'target':
    case 'destination':
    case 'dst':
      mount.Target = value;
      return;
    case 'readonly':
    case 'ro':
      mount.ReadOnly = flag();
      return;
    case 'consistency':
      mount.Consistency = value.toLowerCase();
      return;
    case 'bind-propagation':
      mount.BindOptions = { ...mount.BindOptions, Propagation: value.toLowerCase() };
      return;
    case 'bind-nonrecursive':
      mount.BindOptions = { ...mount.BindOptions, NonRecursive: flag() };
      return;
    case 'bind-recursive':
      mount.BindOptions = { ...mount.BindOptions, ...recursive(value, wrong) };
      return;
    case 'volume-subpath':
      mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
      return;
    case 'volume-nocopy':
      mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: flag() };
      return;
    case 'volume-label':
      mount.VolumeOptions = {
        ...mount.VolumeOptions,
        Labels: withPair(mount.VolumeOptions?.['Labels'], value),
      };
      return;
    case 'volume-driver':
    case 'volume-opt':
      mount.VolumeOptions = {
        ...mount.VolumeOptions,
        DriverConfig: withDriver(mount.VolumeOptions?.['DriverConfig'], key, value),
      };
      return;
    case 'image-subpath':
      mount.ImageOptions = { ...mount.ImageOptions, Subpath: value };
      return;
    case 'tmpfs-size':
      mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: parseBytes(value, '--mount') };
      return;
    case 'tmpfs-mode':
      if (!/^[0-7]+$/.test(value)) throw wrong(`invalid value for ${key}: ${value}`);
      mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
      return;
    default:
      throw wrong(`unexpected key '${key}' in '${field}'`);
  }
}

function recursive(value: string, wrong: FieldContext['wrong']): Record<string, boolean> {
  switch (value) {
    case 'enabled':
      return {};
    case 'disabled':
      return { NonRecursive: true };
    case 'writable':
      return { ReadOnlyNonRecursive: true };
    case 'readonly':
      return { ReadOnlyForceRecursive: true };
    default:
      throw wrong(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
  }
}

function checkRecursive(mount: Mount, wrong: FieldContext['wrong']): void {
  const { BindOptions: options = {}, ReadOnly: readOnly = false } = mount;
  for (const [option, word] of [
    ['ReadOnlyNonRecursive', 'writable'],
    ['ReadOnlyForceRecursive', 'readonly'],
  ] as const) {
    if (options[option] === true && !readOnly) {
      throw wrong(
        `option 'bind-recursive=${word}' requires 'readonly' to be specified in conjunction`,
      );
    }
  }
  if (options['ReadOnlyForceRecursive'] === true && options['Propagation'] !== 'rprivate') {
    throw wrong(
      `option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction`,
    );
  }
}

function withPair(present: unknown, value: string): object {
  const [key, content = ''] = splitOnce(value, '=');
  return { ...(present as object | undefined), ...(key !== '' && { [key]: content }) };
}

function withDriver(present: unknown, key: string, value: string): object {
  const driver = present as { Options?: object } | undefined;
  if (key === 'volume-driver') return { ...driver, Name: value };
  return { ...driver, Options: withPair(driver?.Options, value) };
}
