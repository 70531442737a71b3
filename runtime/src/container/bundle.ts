/** A bundle on disk: config.json and the root file system it names. */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode, messageOf, StackError } from '#spec/errors';
import { parseRuntimeConfig, type RuntimeConfig } from '#spec/oci/runtime-config';

export interface Bundle {
  /** Absolute. */
  readonly directory: string;
  /** Absolute, symbolic links resolved. */
  readonly rootfs: string;
  readonly config: RuntimeConfig;
}

/** Reads and checks the bundle. Throws not_found or invalid_argument naming the file and the property. */
export function readBundle(bundle: string): Bundle {
  const directory = path.resolve(bundle);
  const file = path.join(directory, 'config.json');
  const config = parseRuntimeConfig(parseJson(readConfig(file), file));
  const written = path.resolve(directory, config.root.path);
  try {
    const rootfs = fs.realpathSync(written);
    if (fs.statSync(rootfs).isDirectory()) return { directory, rootfs, config };
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new StackError('invalid_argument', `root.path: rootfs (${written}) does not exist`);
  }
  throw new StackError('invalid_argument', `root.path: rootfs (${written}) is not a directory`);
}

function readConfig(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    throw new StackError('not_found', `JSON specification file ${file} not found`);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new StackError('invalid_argument', `${file}: ${messageOf(error)}`, { cause: error });
  }
}
