/** The side of a copy that is written on this machine. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, errorCode } from '#spec/errors';
import { LayerApplier } from '#lib/unpack/apply-layer';
import { splitPath, type CopyPlace } from './copy-path.ts';

/** Links that lead to links, at most. */
const mostLinks = 10;

/** What lies at an absolute path, links followed: also one to nothing, which a copy then makes. */
export function localTarget(given: string): CopyPlace {
  let at = given;
  for (let links = 0; links <= mostLinks; links++) {
    const status = fs.lstatSync(at, { throwIfNoEntry: false });
    if (!status) {
      checkFolder(splitPath(at).folder);
      return { path: at, exists: false, isDirectory: false };
    }
    if (!status.isSymbolicLink()) {
      return { path: at, exists: true, isDirectory: status.isDirectory() };
    }
    at = path.resolve(splitPath(at).folder, fs.readlinkSync(at));
  }
  throw new StackError('invalid_argument', `too many symlinks in ${given}`);
}

function checkFolder(folder: string): void {
  const status = fs.statSync(folder, { throwIfNoEntry: false });
  if (!status) {
    throw new StackError('invalid_argument', `lstat ${folder}: no such file or directory`);
  }
  if (!status.isDirectory()) throw new StackError('invalid_argument', 'not a directory');
}

/** Unpacks into a folder that exists. Everything belongs to the caller; nothing gets out of the folder. */
export async function unpackInto(folder: string, archive: AsyncIterable<Buffer>): Promise<void> {
  const owner = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const applier = new LayerApplier(folder, {
    whiteouts: 'none',
    keepKinds: true,
    owner: () => owner,
  });
  try {
    for await (const chunk of archive) applier.write(chunk);
    const { warnings } = applier.end();
    for (const warning of warnings) process.stderr.write(`WARNING: ${warning}\n`);
  } catch (error) {
    if (errorCode(error) === 'ECONNRESET') {
      throw new StackError('unavailable', 'the daemon broke off the archive', { cause: error });
    }
    throw error;
  } finally {
    applier.close();
  }
}
