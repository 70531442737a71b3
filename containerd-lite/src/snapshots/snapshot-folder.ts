/** A folder that holds one entry per snapshot, named by its id. */
import fs from 'node:fs';

export async function snapshotIds(folder: string): Promise<number[]> {
  const names = await fs.promises.readdir(folder);
  return names.filter((name) => /^[1-9][0-9]*$/.test(name)).map(Number);
}
