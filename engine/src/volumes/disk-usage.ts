/** How much a tree holds, as docker counts it. */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode } from '#spec/errors';

/** Bytes of all files below `folder`, hard links once, other file systems left out. 0 where there is nothing. */
export async function diskUsage(folder: string): Promise<number> {
  const top = await statusOf(folder);
  if (!top) return 0;
  const seen = new Set<bigint>();
  const pending = [folder];
  let bytes = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const entry of await entriesOf(next)) {
      const file = path.join(next, entry);
      const status = await statusOf(file);
      if (!status || status.dev !== top.dev || seen.has(status.ino)) continue;
      if (status.isDirectory()) {
        pending.push(file);
        continue;
      }
      if (status.nlink > 1n) seen.add(status.ino);
      bytes += Number(status.size);
    }
  }
  return bytes;
}

/** Undefined for what vanished meanwhile: the tree may be in use. */
async function statusOf(file: string): Promise<fs.BigIntStats | undefined> {
  try {
    return await fs.promises.lstat(file, { bigint: true });
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await fs.promises.readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
