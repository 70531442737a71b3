import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import {
  findResctrl,
  joinResctrl,
  prepareResctrl,
  removeResctrl,
  updateResctrl,
} from '#lib/resctrl/resctrl';

/** A directory in place of the file system; the kernel's files in new groups are made by {@link populate}. */
describe('resctrl', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'resctrl-'));
    for (const directory of ['info/L3', 'info/MB', 'pre']) {
      fs.mkdirSync(path.join(root, directory), { recursive: true });
    }
    fs.writeFileSync(path.join(root, 'info/last_cmd_status'), 'ok\n');
    populate('pre');
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  const populate = (group: string) => {
    fs.mkdirSync(path.join(root, group, 'mon_groups'), { recursive: true });
    for (const file of ['schemata', 'tasks']) fs.writeFileSync(path.join(root, group, file), '');
  };
  const read = (file: string) => fs.readFileSync(path.join(root, file), 'utf8');

  it('is found where it is mounted', () => {
    const line = '40 30 0:35 / /sys/fs/resctrl rw,relatime - resctrl resctrl rw,mba_MBps';
    expect(findResctrl(`22 1 8:1 / / rw - ext4 /dev/sda rw\n${line}\n`)).to.equal(
      '/sys/fs/resctrl',
    );
    expect(() => findResctrl('')).to.throw('Intel RDT is not enabled');
  });

  it('sets shares in the group of that name and puts processes there', () => {
    const group = prepareResctrl(root, 'box', {
      closID: 'pre',
      l3CacheSchema: 'L3:0=7f0\nMB:0=1',
      memBwSchema: 'MB:0=20',
      schemata: ['L2:0=f'],
    });
    expect(read('pre/schemata')).to.equal('L3:0=7f0\nMB:0=20\nL2:0=f\n');
    joinResctrl(group, 77);
    expect(read('pre/tasks')).to.equal('77');
    removeResctrl(group);
    expect(fs.existsSync(path.join(root, 'pre'))).to.equal(true); // others may use it
  });

  it('makes a group of its own without a name, and removes it', () => {
    const group = prepareResctrl(root, 'box', {});
    expect(fs.readdirSync(root)).to.include('box');
    removeResctrl(group);
    expect(fs.readdirSync(root)).not.to.include('box');
    removeResctrl(group);
  });

  it('counts in a group of its own', () => {
    const group = prepareResctrl(root, 'box', { closID: 'pre', enableMonitoring: true });
    fs.writeFileSync(path.join(root, 'pre/mon_groups/box/tasks'), '');
    joinResctrl(group, 5);
    expect([read('pre/tasks'), read('pre/mon_groups/box/tasks')]).to.deep.equal(['5', '5']);
    fs.rmSync(path.join(root, 'pre/mon_groups/box/tasks'));
    removeResctrl(group);
    expect(fs.readdirSync(path.join(root, 'pre/mon_groups'))).to.deep.equal([]);
  });

  it('changes shares later', () => {
    const group = prepareResctrl(root, 'box', { closID: 'pre' });
    expect(read('pre/schemata')).to.equal('');
    updateResctrl(group, { memBwSchema: 'MB:0=50' });
    expect(read('pre/schemata')).to.equal('MB:0=50\n');
  });

  it('refuses a group that must exist, and names that are none', () => {
    expect(() => prepareResctrl(root, 'box', { closID: 'missing' })).to.throw(
      'clos dir not accessible (must be pre-created',
    );
    for (const closID of ['.', '..', 'a/b', 'info', 'mon_groups']) {
      expect(() => prepareResctrl(root, 'box', { closID })).to.throw('invalid intelRdt.ClosID');
    }
    expect(fs.readdirSync(root).sort()).to.deep.equal(['info', 'pre']);
  });

  it('says which part of the hardware is missing', () => {
    fs.rmdirSync(path.join(root, 'info/MB'));
    expect(() => prepareResctrl(root, 'box', { memBwSchema: 'MB:0=20' })).to.throw(
      'intelRdt.memBwSchema is specified in config, but Intel RDT/MBA is not enabled',
    );
    fs.rmdirSync(path.join(root, 'info/L3'));
    expect(() => prepareResctrl(root, 'box', { l3CacheSchema: 'L3:0=f' })).to.throw(
      'intelRdt.l3CacheSchema is specified in config, but Intel RDT/CAT is not enabled',
    );
  });

  it("passes on the kernel's explanation, and leaves no group behind", () => {
    fs.writeFileSync(path.join(root, 'info/last_cmd_status'), 'Mask f00 out of range\n');
    // No such file in a group that nobody populates: the write fails.
    expect(() => prepareResctrl(root, 'box', { l3CacheSchema: 'L3:0=f00' })).to.throw(
      'last_cmd_status: Mask f00 out of range',
    );
    expect(fs.readdirSync(root)).not.to.include('box');
  });
});
