/**
 * Writes the archive format that the kernel unpacks as its first root file system: cpio, "newc"
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Every entry belongs to root.
 */
import fs from 'node:fs';

const S_IFCHR = 0o020000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly content?: Buffer;
  readonly device?: readonly [major: number, minor: number];
}

export class CpioWriter {
  readonly #fd: number;
  readonly #directories = new Set<string>();
  #inode = 0;

  constructor(file: string) {
    this.#fd = fs.openSync(file, 'wx', 0o600);
  }

  /** `name` has no leading slash; directories on the way come into being by themselves. */
  directory(name: string): void {
    if (name === '' || this.#directories.has(name)) return;
    this.#directories.add(name);
    this.#write({ name, mode: S_IFDIR | 0o755 });
  }

  file(name: string, content: Buffer, permissions = 0o644): void {
    this.#write({ name, mode: S_IFREG | permissions, content });
  }

  symbolicLink(name: string, target: string): void {
    this.#write({ name, mode: S_IFLNK | 0o777, content: Buffer.from(target) });
  }

  characterDevice(name: string, device: readonly [major: number, minor: number]): void {
    this.#write({ name, mode: S_IFCHR | 0o600, device });
  }

  /** Writes the end mark. The writer cannot be used afterwards. */
  finish(): void {
    this.#write({ name: 'TRAILER!!!', mode: 0 });
    this.close();
  }

  close(): void {
    fs.closeSync(this.#fd);
  }

  #write({ name, mode, content = Buffer.alloc(0), device = [0, 0] }: Entry): void {
    this.directory(name.slice(0, Math.max(0, name.lastIndexOf('/'))));
    this.#inode += 1;
    const links = 1;
    const fields = [
      this.#inode,
      mode,
      0, // uid
      0, // gid
      links,
      0, // mtime
      content.length,
      0, // major and minor of the device that held the file
      0,
      ...device,
      name.length + 1,
      0, // checksum: none in this variant
    ];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    this.#append(Buffer.from(`${header}${name}\0`));
    this.#append(content);
  }

  /** Header with name, and content, each end on a multiple of four bytes. */
  #append(bytes: Buffer): void {
    for (let done = 0; done < bytes.length;) done += fs.writeSync(this.#fd, bytes, done);
    const padding = (4 - (bytes.length % 4)) % 4;
    if (padding > 0) fs.writeSync(this.#fd, Buffer.alloc(padding));
  }
}
