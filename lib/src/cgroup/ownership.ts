/** Giving a cgroup to somebody who is not root, so that he can make groups inside it. */
import fs from 'node:fs';
import path from 'node:path';
import { errorCode } from '#spec/errors';
import { unifiedDirectory, type Cgroup } from './layout.ts';

/** The kernel's list of the files that go to the new owner; the limits stay with the old one. */
const delegateList = '/sys/kernel/cgroup/delegate';
const keepOwner = -1;

/** Makes `uid` the owner of `cgroup`, as runtime-spec has it (config-linux.md, "Cgroup ownership"). cgroup v2 only. */
export function giveCgroup(cgroup: Cgroup, uid: number): void {
  const directory = unifiedDirectory(cgroup);
  if (cgroup.layout.version !== 'v2' || directory === undefined) return;
  fs.chownSync(directory, uid, keepOwner);
  for (const name of fs.readFileSync(delegateList, 'utf8').split('\n').filter(Boolean)) {
    try {
      fs.chownSync(path.join(directory, name), uid, keepOwner);
    } catch (error) {
      // Files of controllers that are not enabled here.
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }
}
