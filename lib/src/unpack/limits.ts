/** Bounds on what one layer may unpack to: an archive of a few kilobytes can claim any number of files and bytes. */

export interface LayerLimits {
  /** Entries of the archive: files, directories, links, whiteouts. */
  maxEntries: number;
  /** Content of all files together, holes of sparse files not counted. */
  maxBytes: number;
}

/** Far above any image in use; they stop an archive that would otherwise fill the disk. */
export const defaultLimits: LayerLimits = { maxEntries: 5_000_000, maxBytes: 1024 ** 4 / 4 };
