/**
 * Where the content store keeps its files, as containerd lays them out:
 *
 *   blobs/<algorithm>/<hex>                       what was committed, read only, never changed
 *   ingest/<sha256 of ref>/{data,ref,startedat,total}   what is being written
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { algorithmOf, encodedOf, type Digest } from '#spec/digest';

export class ContentLayout {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get blobFolder(): string {
    return path.join(this.root, 'blobs', 'sha256');
  }

  get ingestFolder(): string {
    return path.join(this.root, 'ingest');
  }

  blob(digest: Digest): string {
    return path.join(this.root, 'blobs', algorithmOf(digest), encodedOf(digest));
  }

  ingest(namespace: string, ref: string): string {
    const hash = createHash('sha256').update(`${namespace}/${ref}`).digest('hex');
    return path.join(this.ingestFolder, hash);
  }
}
