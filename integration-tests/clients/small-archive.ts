/** A tar archive with one file, for what clients copy into containers. */
import { Header } from 'tar';

/** `text` under the name `name`, owned by root. */
export function createArchive(name: string, text: string): Buffer {
  const content = Buffer.from(text);
  const header = new Header({ path: name, size: content.length, mode: 0o644, type: 'File' });
  header.encode();
  const padding = Buffer.alloc(512 - (content.length % 512) + 1024);
  return Buffer.concat([header.block ?? Buffer.alloc(512), content, padding]);
}
