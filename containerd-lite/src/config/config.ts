/** Configuration file and flags together; flags win. */
import fs from 'node:fs';
import { StackError, messageOf } from '#spec/errors';
import { logLevels, type LogLevel } from '#lib/log/logger';
import { defaultLimits, type LayerLimits } from '#lib/unpack/limits';
import { parseToml, type TomlTable, type TomlValue } from '#lib/toml/toml';

export interface Config {
  /** What survives a reboot: content, snapshots, metadata. */
  root: string;
  /** What does not: bundles. */
  state: string;
  /** Path of the gRPC socket; ttrpc is served beside it with `.ttrpc` at the end. */
  address: string;
  logLevel: LogLevel;
  /** Runtime names that stand for another runtime or for the path of a shim. */
  runtimes: Record<string, string>;
  /** How many shims stand by for the next containers; 0 for none. */
  shimPool: number;
  /** How many shims wait at most, after a busy time, of those that have served a container; 0: none serves twice. */
  recycledShims: number;
  /** Folder with settings for registries in containerd's form (`<registry>/hosts.toml`). */
  registryHosts?: string;
  /** What one layer may unpack to. */
  layerLimits: LayerLimits;
}

export const defaultConfig: Config = {
  root: '/var/lib/containerd-lite',
  state: '/run/containerd-lite',
  address: '/run/containerd-lite/containerd.sock',
  logLevel: 'info',
  runtimes: {},
  shimPool: 1,
  recycledShims: 8,
  layerLimits: defaultLimits,
};

/** Keys of `[layers]`. */
const limitNames: Readonly<Record<string, keyof LayerLimits>> = {
  max_entries: 'maxEntries',
  max_bytes: 'maxBytes',
};

/** Keys of `[shims]`. */
const poolNames: Readonly<Record<string, 'shimPool' | 'recycledShims'>> = {
  pool: 'shimPool',
  recycled: 'recycledShims',
};

/** More would not start containers faster but fill the memory. */
const largestPool = 32;

/** The configuration in a file. Throws invalid_argument that names file and key for what we do not have. */
export function readConfigFile(file: string): Partial<Config> {
  try {
    return parseConfig(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StackError('invalid_argument', `configuration ${file}: ${messageOf(error)}`);
  }
}

/** Keys as in containerd's own file, where it has them. */
export function parseConfig(text: string): Partial<Config> {
  const config: Partial<Config> = {};
  for (const [key, value] of Object.entries(parseToml(text))) {
    switch (key) {
      case 'version':
        if (value !== 2 && value !== 3) refuse(`version ${describe(value)} is not 2 or 3`);
        break;
      case 'root':
      case 'state':
        config[key] = stringOf(key, value);
        break;
      case 'grpc':
        config.address = stringOf('grpc.address', onlyKey('grpc', 'address', value));
        break;
      case 'debug':
        config.logLevel = parseLogLevel(stringOf('debug.level', onlyKey('debug', 'level', value)));
        break;
      case 'shims':
        Object.assign(config, shimsOf(tableOf(key, value)));
        break;
      case 'registry':
        config.registryHosts = stringOf(
          'registry.config_path',
          onlyKey('registry', 'config_path', value),
        );
        break;
      case 'layers':
        config.layerLimits = layerLimitsOf(tableOf(key, value));
        break;
      case 'runtimes':
        config.runtimes = Object.fromEntries(
          Object.entries(tableOf(key, value)).map(([name, target]) => [
            name,
            stringOf(`runtimes."${name}"`, target),
          ]),
        );
        break;
      default:
        refuse(`key "${key}" is not supported`);
    }
  }
  return config;
}

/** Throws invalid_argument. */
export function parseLogLevel(text: string): LogLevel {
  const level = logLevels.find((known) => known === text);
  return level ?? refuse(`log level "${text}" is none of ${logLevels.join(', ')}`);
}

/** The value of the one key that a table may have. */
function onlyKey(table: string, key: string, value: TomlValue): TomlValue | undefined {
  const entries = tableOf(table, value);
  for (const other of Object.keys(entries)) {
    if (other !== key) refuse(`key "${table}.${other}" is not supported`);
  }
  return entries[key];
}

function layerLimitsOf(table: TomlTable): LayerLimits {
  const limits = { ...defaultLimits };
  for (const [key, value] of Object.entries(table)) {
    const name = limitNames[key] ?? refuse(`key "layers.${key}" is not supported`);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
      refuse(`"layers.${key}" must be a positive integer`);
    }
    limits[name] = value;
  }
  return limits;
}

function shimsOf(table: TomlTable): Partial<Config> {
  const sizes: Partial<Config> = {};
  for (const key of Object.keys(table)) {
    const name = poolNames[key] ?? refuse(`key "shims.${key}" is not supported`);
    sizes[name] = poolSizeOf(`shims.${key}`, table[key]);
  }
  return sizes;
}

function poolSizeOf(key: string, value: TomlValue | undefined): number {
  if (typeof value === 'number' && value >= 0 && value <= largestPool) return value;
  return refuse(`"${key}" must be an integer from 0 to ${largestPool}`);
}

function tableOf(key: string, value: TomlValue): TomlTable {
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  return refuse(`"${key}" must be a table`);
}

function stringOf(key: string, value: TomlValue | undefined): string {
  if (typeof value === 'string' && value !== '') return value;
  return refuse(`"${key}" must be a string that is not empty`);
}

function describe(value: TomlValue): string {
  return JSON.stringify(value);
}

function refuse(reason: string): never {
  throw new StackError('invalid_argument', reason);
}
