/** Writes a file so that a reader, or the next start after a crash, sees the old content or the new one, never a part. */
import fs from 'node:fs';
import path from 'node:path';

export interface AtomicWriteOptions {
  /** Permission bits of the new file; 0o600 without it. */
  mode?: number;
  /** Also flush file and directory to the disk, for what must survive power loss. */
  durable?: boolean;
}

/** Replaces `file` by `content`: temporary file beside it, then rename(2). Throws what node:fs throws. */
export function writeFileAtomicSync(
  file: string,
  content: string | Uint8Array,
  { mode = 0o600, durable = false }: AtomicWriteOptions = {},
): void {
  const temporary = temporaryName(file);
  const fd = fs.openSync(temporary, 'wx', mode);
  try {
    try {
      fs.writeFileSync(fd, content);
      if (durable) fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  if (durable) syncDirectory(path.dirname(file));
}

/** {@link writeFileAtomicSync} without blocking the event loop. */
export async function writeFileAtomic(
  file: string,
  content: string | Uint8Array,
  { mode = 0o600, durable = false }: AtomicWriteOptions = {},
): Promise<void> {
  const temporary = temporaryName(file);
  try {
    const handle = await fs.promises.open(temporary, 'wx', mode);
    try {
      await handle.writeFile(content);
      if (durable) await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.promises.rename(temporary, file);
  } catch (error) {
    await fs.promises.rm(temporary, { force: true });
    throw error;
  }
  if (durable) {
    const directory = await fs.promises.open(path.dirname(file), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Unique by process and time; node:crypto for random bytes would take 4 ms to load. */
function temporaryName(file: string): string {
  const unique = `${process.pid.toString(36)}${process.hrtime.bigint().toString(36)}`;
  return path.join(path.dirname(file), `.${path.basename(file)}.${unique}`);
}

function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
