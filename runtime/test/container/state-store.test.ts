import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { StateStore } from '../../src/container/state-store.ts';

describe('StateStore', () => {
  let root: string;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-state-'))));
  afterEach(() => fs.rmSync(root, { recursive: true }));

  it('reserves a name once', () => {
    const store = new StateStore(root);
    store.reserve('box');
    expect(() => store.reserve('box')).to.throw('container with given ID already exists');
  });

  it('says that a container does not exist in the words containerd looks for', () => {
    expect(() => new StateStore(root).read('box')).to.throw('container does not exist');
  });

  it('lists only what has a state', () => {
    const store = new StateStore(root);
    store.reserve('half');
    expect(store.list()).to.deep.equal([]);
    expect(store.exists('half')).to.be.true;
  });

  it('lists nothing below a root that was never made', () => {
    expect(new StateStore(path.join(root, 'none')).list()).to.deep.equal([]);
  });
});
