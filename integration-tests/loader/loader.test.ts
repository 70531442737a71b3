/** The loader where it needs root: namespaces, and the sysctl that governs executable memfds. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needRoot } from '../harness/peers.ts';

const script = path.join(import.meta.dirname, 'container-process.ts');

describe('the loader', () => {
  let root = '';

  before(function () {
    needRoot(this);
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'loader-root-'));
    for (const folder of ['bin', 'proc']) fs.mkdirSync(path.join(root, folder));
    fs.copyFileSync('/bin/busybox', path.join(root, 'bin/busybox'));
    for (const name of ['sh', 'hostname']) fs.symlinkSync('busybox', path.join(root, 'bin', name));
  });

  after(() => fs.rmSync(root, { recursive: true, force: true }));

  const ended = { exitCode: 42 };

  it('starts a process as pid 1 of its own namespaces and passes its exit status on', async () => {
    const { stdout, stderr } = await run(process.execPath, [script, root]);
    expect(stderr).to.equal('');
    expect(JSON.parse(stdout)).to.deep.equal(ended);
  });

  it('names the call that fails', async () => {
    const { stdout } = await run(process.execPath, [script, '/no/such/root']);
    const { failure } = JSON.parse(stdout) as { failure: [number, string] };
    expect(failure[1]).to.equal('ENOENT');
  });

  // The sysctl belongs to a pid namespace, so that a fresh one can be set without touching the machine.
  for (const value of [0, 1, 2]) {
    it(`starts under vm.memfd_noexec=${value}`, async function () {
      const sysctl = '/proc/sys/vm/memfd_noexec';
      if (!fs.existsSync(sysctl)) this.skip(); // before Linux 6.3
      const command = `echo ${value} >${sysctl} && exec "$@"`;
      const { stdout, stderr } = await run('unshare', [
        ...['--pid', '--fork', '--mount-proc', 'sh', '-c', command, 'sh'],
        ...[process.execPath, script, root],
      ]);
      expect(stderr).to.equal('');
      expect(JSON.parse(stdout)).to.deep.equal(ended);
    });
  }
});
