import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { expect } from 'chai';
import { pidfdKill, pidfdOpen } from '#lib/sys/pidfd';
import { waitReadable } from '#lib/sys/poll';
import { pipe } from '#lib/sys/posix-spawn';

describe('waitReadable', () => {
  it('returns those that can be read, and none when the time is up', () => {
    const [first, second] = [pipe(), pipe()];
    const ends = [first.readEnd, second.readEnd];
    expect(waitReadable(ends, 5)).to.deep.equal([]);
    fs.writeSync(second.writeEnd, 'x');
    expect(waitReadable(ends)).to.deep.equal([second.readEnd]);
    fs.closeSync(first.writeEnd); // its end can be read
    expect(waitReadable(ends, 0)).to.deep.equal(ends);
    for (const fd of [...ends, second.writeEnd]) fs.closeSync(fd);
  });

  it('waits for the end of a process', () => {
    const child = spawn('sleep', ['1000']);
    const pidfd = pidfdOpen(child.pid ?? 0);
    expect(waitReadable([pidfd], 5)).to.deep.equal([]);
    pidfdKill(pidfd, 9);
    expect(waitReadable([pidfd])).to.deep.equal([pidfd]);
    fs.closeSync(pidfd);
  });
});

describe('pidfdKill', () => {
  it('does nothing to a process that has ended', async () => {
    const child = spawn('sleep', ['1000']);
    const pidfd = pidfdOpen(child.pid ?? 0);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    pidfdKill(pidfd, 9);
    fs.closeSync(pidfd);
  });
});
