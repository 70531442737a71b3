/** Removes folders that hold a few files. */
import fs from 'node:fs';
import path from 'node:path';

/**
 * Removes a folder with all that is in it; nothing happens where there is none. As fs.promises.rm, by a third of its
 * calls: that one asks of every file what it is, twice.
 */
export async function removeFolder(folder: string): Promise<void> {
  try {
    const entries = await fs.promises.readdir(folder, { withFileTypes: true });
    const removals = entries.map((entry) => {
      const file = path.join(folder, entry.name);
      return entry.isDirectory() ? removeFolder(file) : fs.promises.unlink(file);
    });
    await Promise.all(removals);
    await fs.promises.rmdir(folder);
  } catch {
    // Not there, or somebody changes it meanwhile: that one copes, and says what is wrong where something is.
    await fs.promises.rm(folder, { recursive: true, force: true });
  }
}
