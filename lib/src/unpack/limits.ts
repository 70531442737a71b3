/** Bounds on what one layer may unpack to: an archive of a few kilobytes can claim any number of files and bytes. */

export interface LayerLimits {
  /** Entries of the archive: files, directories, links, whiteouts. */
  maxEntries: number;
  /** Content of all files together, holes of sparse files not counted. */
  maxBytes: number;
}

/** Headers and attributes that an entry may have on average, and those of a layer with few entries together. */
const headerBytes = 4096;
const leastHeaderBytes = 64 * 1024 * 1024;

/** What the archive itself may have without its compression: gigabytes of zeros behind its end cost time too. */
export function largestArchive({ maxEntries, maxBytes }: LayerLimits): number {
  return maxBytes + Math.max(leastHeaderBytes, maxEntries * headerBytes);
}

/** Far above any image in use; they stop an archive that would otherwise fill the disk. */
export const defaultLimits: LayerLimits = { maxEntries: 5_000_000, maxBytes: 1024 ** 4 / 4 };
