/** Where an archive goes: a file that `-o` names, or stdout if that is no terminal. */
import fs from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StackError, errorCode } from '#spec/errors';
import { osErrorText } from './os-error.ts';

/** Refuses, before anything is asked of the daemon, what could not be written. */
export function checkOutput(file: string | undefined, what: string): void {
  if (file === undefined || file === '') {
    if (process.stdout.isTTY) {
      throw new StackError(
        'invalid_argument',
        'cowardly refusing to save to a terminal. Use the -o flag or redirect',
      );
    }
    return;
  }
  try {
    fs.statSync(path.dirname(file));
  } catch (error) {
    throw failed(what, `invalid output path: ${osErrorText('stat', path.dirname(file), error)}`);
  }
  const present = fs.statSync(file, { throwIfNoEntry: false });
  if (present?.isDirectory()) throw failed(what, `invalid output path: "${file}" is a directory`);
  if (present?.isBlockDevice() || present?.isCharacterDevice()) {
    if (file !== '/dev/null') {
      throw failed(what, `invalid output path: "${file}" is not a directory or a regular file`);
    }
  }
}

function failed(what: string, reason: string): StackError {
  return new StackError('invalid_argument', `failed to ${what}: ${reason}`);
}

/** A file appears when all of it is there, and not at all when the source breaks off. */
export async function writeOutput(source: Readable, file: string | undefined): Promise<void> {
  if (file === undefined || file === '') {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      if (!process.stdout.write(chunk)) {
        await new Promise((resolve) => process.stdout.once('drain', resolve));
      }
    }
    return;
  }
  if (isSpecial(file)) {
    await pipeline(source, fs.createWriteStream(file));
    return;
  }
  const temporary = path.join(path.dirname(file), `.engine-${process.pid}-${Date.now()}`);
  try {
    await pipeline(source, fs.createWriteStream(temporary, { flags: 'wx', mode: 0o600 }));
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    if (errorCode(error) === undefined) throw error;
    throw new StackError('internal', osErrorText('write', file, error), { cause: error });
  }
}

function isSpecial(file: string): boolean {
  const present = fs.statSync(file, { throwIfNoEntry: false });
  return present !== undefined && !present.isFile();
}
