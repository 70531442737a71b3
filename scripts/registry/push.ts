/** Fills a registry with the images, in the forms that clients have to deal with. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { digestOf, encodedOf } from '#spec/digest';
import type { Images } from './images.ts';

/** Pushes everything to the registry at `address`, whose files lie in `storage`. */
export function fillRegistry(address: string, storage: string, images: Images): void {
  const layout = (name: string) => {
    const folder = images.get(name);
    if (folder === undefined) throw new Error(`no image ${name}`);
    return folder;
  };
  const push = (name: string, tag: string, ...flags: string[]) =>
    execFileSync(
      'skopeo',
      [
        ...[
          '--insecure-policy',
          'copy',
          '--quiet',
          '--preserve-digests=false',
          '--dest-tls-verify=false',
          ...flags,
        ],
        ...[`oci:${layout(name)}:latest`, `docker://${address}/${name}:${tag}`],
      ],
      { stdio: ['ignore', 2, 2] },
    );
  push('busybox', 'latest', '--format', 'v2s2');
  push('busybox', 'oci', '--format', 'oci');
  push('debian', 'latest', '--format', 'oci');
  push('multi', 'latest', '--all', '--format', 'oci');
  push('multi', 'list', '--all', '--format', 'v2s2');
  for (const name of ['wrong-digest', 'corrupt-layer', 'wrong-diff-id', 'escape']) {
    push(name, 'latest', '--format', 'oci');
  }
  falsifyLayers(layout('wrong-digest'), storage);
}

/** Replaces layers in the registry's storage by others of the same size: their digests are wrong from now on. */
function falsifyLayers(layout: string, storage: string): void {
  const blobs = path.join(layout, 'blobs/sha256');
  for (const name of fs.readdirSync(blobs)) {
    const content = fs.readFileSync(path.join(blobs, name));
    if (content[0] !== 0x1f) continue; // JSON, not a layer
    const stored = path.join(
      storage,
      'docker/registry/v2/blobs/sha256',
      name.slice(0, 2),
      encodedOf(digestOf(content)),
      'data',
    );
    const last = content.length - 1;
    content[last] = (content[last] ?? 0) ^ 0xff;
    fs.writeFileSync(stored, content);
  }
}
