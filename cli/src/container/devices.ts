/** `--device`, `--gpus` and what limits block devices: as docker's command line writes them, as the API wants them. */
import path from 'node:path';
import { StackError } from '#spec/errors';
import { UsageError, keyValues, splitOnce } from '../command-line/parse.ts';
import { parseBytes, parseInteger } from '../format/units.ts';

/** Devices of the host by path, and those that a CDI driver knows (`vendor.com/class=name`). */
export interface DeviceChoice {
  devices: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[];
  cdiDevices: string[];
}

/** Throws invalid_argument, in docker's words, for what cannot be meant. */
export function parseDevices(values: readonly string[]): DeviceChoice {
  const cdiDevices = values.filter((value) => /^[\w.-]+\/[\w.-]+=[\w.:-]+$/.test(value));
  const paths = values.filter((value) => !cdiDevices.includes(value));
  return { devices: paths.map(parseDevice), cdiDevices };
}

/** `HOST[:CONTAINER][:rwm]`. */
function parseDevice(value: string): DeviceChoice['devices'][number] {
  const [source = '', second, third, ...rest] = value.split(':');
  if (source === '' || rest.length > 0) throw invalid(`bad format for path: ${value}`);
  const isMode = third === undefined && second !== undefined && isDeviceMode(second);
  const target = second === undefined || isMode ? source : second;
  const mode = third ?? (isMode ? second : 'rwm');
  if (!isDeviceMode(mode)) throw invalid(`bad mode specified: ${mode}`);
  if (!path.isAbsolute(target)) throw invalid(`${target} is not an absolute path`);
  return {
    PathOnHost: path.posix.normalize(source),
    PathInContainer: path.posix.normalize(target),
    CgroupPermissions: mode,
  };
}

/** Letters of r, w and m, each at most once. */
function isDeviceMode(mode: string): boolean {
  return /^[rwm]+$/.test(mode) && new Set(mode).size === mode.length;
}

/** `c 1:3 rwm`. */
export function parseDeviceRule(value: string): string {
  if (!/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(value)) {
    throw flagError(value, 'device-cgroup-rule', `invalid device cgroup format '${value}'`);
  }
  return value;
}

/** `/dev/sda:1mb` for bytes, `/dev/sda:1000` for operations in a second. */
export function parseRate(value: string, flag: string, unit: 'bytes' | 'operations'): object {
  const [device, rate, ...rest] = value.split(':');
  if (device === undefined || rate === undefined || rest.length > 0) {
    throw flagError(value, flag, `bad format: ${value}`);
  }
  if (!device.startsWith('/dev/')) {
    throw flagError(value, flag, `bad format for device path: ${value}`);
  }
  if (unit === 'operations' && !/^\d+$/.test(rate)) {
    throw flagError(
      value,
      flag,
      `invalid rate for device: ${value}. The correct format is <device-path>:<number>. Number must be a positive integer`,
    );
  }
  const shown = `--${flag}`;
  return {
    Path: device,
    Rate: unit === 'bytes' ? parseBytes(rate, shown) : parseInteger(rate, shown),
  };
}

/** `/dev/sda:500`. */
export function parseDeviceWeight(value: string): object {
  const [device, weight, ...rest] = value.split(':');
  const flag = 'blkio-weight-device';
  if (device === undefined || weight === undefined || rest.length > 0) {
    throw flagError(value, flag, `bad format: ${value}`);
  }
  if (!device.startsWith('/dev/')) {
    throw flagError(value, flag, `bad format for device path: ${value}`);
  }
  const number = Number(weight);
  if (!/^\d+$/.test(weight) || (number > 0 && (number < 10 || number > 1000))) {
    throw flagError(value, flag, `invalid weight for device: ${value}`);
  }
  return { Path: device, Weight: number };
}

/** `all`, a number, or `device=0,"capabilities=compute,utility"`: a request that a driver on the daemon's side fulfils. */
export function parseGpus(value: string): object {
  const request: Record<string, unknown> = {};
  const seen = new Set<string>();
  for (const field of splitCsv(value)) {
    const [key, content] = splitOnce(field, '=');
    const name = content === undefined ? 'count' : key;
    if (seen.has(name)) {
      throw flagError(value, 'gpus', `gpu request key '${key}' can be specified only once`);
    }
    seen.add(name);
    Object.assign(request, gpuField(name, content ?? key, { value, field }));
  }
  if (!seen.has('count') && !seen.has('device')) request['Count'] = 1;
  return { Options: {}, Capabilities: [['gpu']], ...request };
}

function gpuField(
  name: string,
  content: string,
  { value, field }: { value: string; field: string },
): object {
  switch (name) {
    case 'driver':
      return { Driver: content };
    case 'count':
      if (content !== 'all' && !/^-?\d+$/.test(content)) {
        throw flagError(
          value,
          'gpus',
          `invalid count (${content}): value must be either "all" or an integer: invalid syntax`,
        );
      }
      return { Count: content === 'all' ? -1 : Number(content) };
    case 'device':
      return { DeviceIDs: content.split(',') };
    case 'capabilities':
      return { Capabilities: [[...content.split(','), 'gpu']] };
    case 'options':
      return { Options: keyValues(content.split(',')) };
    default:
      throw flagError(value, 'gpus', `unexpected key '${name}' in '${field}'`);
  }
}

/** Fields of one line of CSV: a quoted one may hold commas. */
export function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'),
  );
}

function flagError(value: string, flag: string, reason: string): UsageError {
  return new UsageError(`invalid argument "${value}" for "--${flag}" flag: ${reason}`);
}

function invalid(reason: string): StackError {
  return new StackError('invalid_argument', reason);
}
