import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { removeFolder } from '#lib/remove-folder/remove-folder';

describe('removeFolder', () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'remove-folder-'));
    folder = path.join(root, 'folder');
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  it('removes files, folders in it and links, not what they point to', async () => {
    const kept = path.join(root, 'kept');
    fs.mkdirSync(kept);
    fs.writeFileSync(path.join(kept, 'file'), '');
    fs.mkdirSync(path.join(folder, 'inner/most'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'a'), '');
    fs.writeFileSync(path.join(folder, 'inner/b'), '');
    fs.symlinkSync(kept, path.join(folder, 'link'));
    await removeFolder(folder);
    expect(fs.readdirSync(root)).to.deep.equal(['kept']);
    expect(fs.readdirSync(kept)).to.deep.equal(['file']);
  });

  it('finds nothing to do where there is no folder', async () => {
    await removeFolder(folder);
  });

  it('copes with others that remove the same, and with files that come meanwhile', async () => {
    fs.mkdirSync(folder);
    for (let n = 0; n < 50; n++) fs.writeFileSync(path.join(folder, String(n)), '');
    const removals = [removeFolder(folder), removeFolder(folder)];
    fs.writeFileSync(path.join(folder, 'late'), '');
    await Promise.all(removals);
    expect(fs.readdirSync(root)).to.deep.equal([]);
  });

  it('says what cannot be removed', async () => {
    const file = path.join(root, 'file');
    fs.writeFileSync(file, '');
    const error: unknown = await removeFolder(path.join(file, 'below')).catch((e: unknown) => e);
    expect(error).to.have.property('code', 'ENOTDIR');
  });
});
