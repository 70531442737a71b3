/** daemon.json: the same options as on the command line, under docker's keys. */
import fs from 'node:fs';
import { errorCode, messageOf, StackError } from '#spec/errors';
import { notImplemented } from './command-line.ts';
import {
  daemonOptions,
  fileKey,
  notBuilt,
  notBuiltKeys,
  type DaemonOption,
} from './daemon-options.ts';
import { wrongType } from './file-values.ts';
import { OptionValues } from './option-values.ts';

/** Nested objects whose members docker takes as keys of their own, as it does with any it does not know. */
const structured = new Set([
  'runtimes',
  'default-ulimits',
  'features',
  'builder',
  'log-opts',
  'default-network-opts',
  'nri-opts',
  'cluster-store-opts',
]);

/**
 * Reads `file`; undefined where there is none. Throws invalid_argument for what is no configuration, for unknown keys,
 * and for what `flags` say as well; unimplemented for keys of dockerd's only.
 */
export function readConfigFile(file: string, flags: OptionValues): OptionValues | undefined {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new StackError('invalid_argument', messageOf(error), { cause: error });
  }
  const entries = flatten(parseJson(decode(bytes)));
  const found = entries.map(([key, value]) => ({ key, value, option: optionOf(key) }));
  const unknown = found.filter(({ option }) => !option).map(({ key }) => key);
  if (unknown.length > 0) {
    throw new StackError(
      'invalid_argument',
      `the following directives don't match any configuration option: ${unknown.join(', ')}`,
    );
  }
  const conflicts = found.flatMap(({ key, value, option }) =>
    option && !option.merges && flags.has(option.flag)
      ? [
          `${key}: (from flag: ${flags.describe(option.flag, option.kind)}, from file: ${printed(value)})`,
        ]
      : [],
  );
  if (conflicts.length > 0) {
    throw new StackError(
      'invalid_argument',
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
    );
  }
  const values = new OptionValues();
  for (const { key, value, option } of found) {
    if (option) values.add(option, textsOf(key, option, value));
  }
  return values;
}

/** Throws unimplemented for what dockerd knows and this engine has not. */
function optionOf(key: string): DaemonOption | undefined {
  const option = daemonOptions.find((candidate) => fileKey(candidate) === key);
  if (!option && (notBuiltKeys.includes(key) || notBuilt.includes(key))) {
    throw notImplemented(`"${key}"`);
  }
  return option;
}

/** A byte order mark decides the encoding, as with dockerd; without one it is UTF-8. */
function decode(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    throw new StackError('invalid_argument', 'failed to decode configuration JSON', {
      cause: error,
    });
  }
}

function parseJson(text: string): Record<string, unknown> {
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new StackError('invalid_argument', `invalid JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new StackError('invalid_argument', 'invalid JSON: not an object');
  }
  return parsed as Record<string, unknown>; // JSON objects have string keys only
}

function flatten(file: Record<string, unknown>): [string, unknown][] {
  return Object.entries(file).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !structured.has(key)
      ? Object.entries(value)
      : [[key, value] as [string, unknown]],
  );
}

function textsOf(key: string, { kind, fromFile }: DaemonOption, value: unknown): string[] {
  if (fromFile) return fromFile(value);
  if (kind === 'list') {
    if (!Array.isArray(value)) throw wrongType(key, 'an array', value);
    return value.map((item) => {
      if (typeof item !== 'string') throw wrongType(key, 'an array of strings', item);
      return item;
    });
  }
  const wanted = { text: 'string', boolean: 'boolean', integer: 'number' } as const;
  if (typeof value !== wanted[kind]) throw wrongType(key, `a ${wanted[kind]}`, value);
  if (kind === 'integer' && !Number.isSafeInteger(value)) {
    throw new StackError('invalid_argument', `invalid JSON: "${key}" is not an integer`);
  }
  return [String(value)];
}

/** As Go prints what it read from JSON. */
function printed(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(String).join(' ')}]` : String(value);
}
