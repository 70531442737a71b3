import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { makeV2Directories } from '#lib/cgroup/hierarchy';

describe('makeV2Directories', () => {
  let group: string;
  const write = (name: string, content: string) =>
    fs.writeFileSync(path.join(group, name), content);
  const read = (name: string) => fs.readFileSync(path.join(group, name), 'utf8');

  beforeEach(() => {
    group = fs.mkdtempSync(path.join(os.tmpdir(), 'cgroup-'));
    write('cgroup.controllers', 'pids\n');
    write('cgroup.subtree_control', '');
  });
  afterEach(() => fs.rmSync(group, { recursive: true }));

  it('enables controllers above what it makes', () => {
    write('cgroup.type', 'domain\n');
    write('cgroup.procs', '');
    expect(makeV2Directories(group, '/a', {})).to.deep.equal([path.join(group, 'a')]);
    expect(read('cgroup.subtree_control')).to.equal('+pids');
  });

  it('enables them in the root of all groups, which may hold processes', () => {
    write('cgroup.procs', '1\n');
    makeV2Directories(group, '/a', {});
    expect(read('cgroup.subtree_control')).to.equal('+pids');
  });

  it('enables none in a group that holds processes, and refuses limits that need one', () => {
    write('cgroup.type', 'domain\n');
    write('cgroup.procs', '1\n');
    makeV2Directories(group, '/a', {});
    expect(read('cgroup.subtree_control')).to.equal('');
    expect(() => makeV2Directories(group, '/b', { pids: { limit: 5 } })).to.throw(
      /cannot limit pids below .*: there are processes in it/,
    );
  });
});
