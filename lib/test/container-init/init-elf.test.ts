import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { initElf } from '#lib/container-init/init-elf';
import { emulator, skip, writeExecutables } from '../assembler/executables.ts';

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`initElf for ${architecture}`, () => {
    let folder: string;
    let command: string[];

    before(function () {
      const runner = emulator(architecture);
      if (runner.missing) skip(this, runner.missing);
      folder = writeExecutables({ 'docker-init': initElf(architecture), plain: Buffer.from('x') });
      command = [...runner.command, path.join(folder, 'docker-init')];
    });

    after(() => {
      if (folder) fs.rmSync(folder, { recursive: true });
    });

    const init = (args: string[], env: NodeJS.ProcessEnv = { PATH: process.env['PATH'] }) => {
      const [file = '', ...rest] = command;
      return spawnSync(file, [...rest, ...args], {
        encoding: 'utf8',
        env: { ...env, QEMU_LD_PREFIX: '/' },
        timeout: 20_000,
      });
    };

    it('ends as its command ends', () => {
      const shell = (script: string) => init(['--', 'sh', '-c', script]);
      expect(shell('echo "$0 $#"; exit 7')).to.deep.include({ status: 7, stdout: 'sh 0\n' });
      expect(shell('kill -9 $$').status).to.equal(128 + 9);
      expect(shell('exit 255').status).to.equal(255);
    });

    it('finds its command along PATH, or at the usual places without one', () => {
      expect(init(['true']).status).to.equal(0);
      expect(init(['--', '/bin/true']).status).to.equal(0);
      expect(init(['--', 'true'], { PATH: `/nowhere:${folder}/plain:/bin` }).status).to.equal(0);
      expect(init(['--', 'true'], {}).status).to.equal(0);
      expect(init(['-x']).status).to.equal(127);
      expect(init([]).status).to.equal(1);
      expect(init(['--']).status).to.equal(1);
    });

    it('says what cannot be run', () => {
      const missing = init(['--', 'no-such-command']);
      expect(missing.status).to.equal(127);
      expect(missing.stderr).to.equal(
        'docker-init: cannot run no-such-command: no such file or directory\n',
      );
      expect(init(['--', '/etc/passwd'])).to.deep.include({
        status: 126,
        stderr: 'docker-init: cannot run /etc/passwd: permission denied\n',
      });
      expect(init(['--', `${folder}/plain`])).to.deep.include({ status: 1 });
      expect(init(['--', ''])).to.deep.include({ status: 127 });
      const long = { PATH: `${'x'.repeat(5000)}:/bin` };
      expect(init(['--', 'true'], long).status).to.equal(127);
    });

    it('hands signals on', async () => {
      const [file = '', ...rest] = command;
      const script = 'trap "echo got; exit 3" TERM; echo ready; while :; do sleep 0.05; done';
      const child = spawn(file, [...rest, '--', 'sh', '-c', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      const status = new Promise((resolve) => child.once('exit', resolve));
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
        if (output === 'ready\n') child.kill('SIGTERM');
      });
      expect(await status).to.equal(3);
      expect(output).to.equal('ready\ngot\n');
    });

    it('buries orphans', function () {
      if (process.getuid?.() !== 0) skip(this, 'needs root');
      // Five processes whose parents are gone have ended; only the shell is left.
      const script =
        'for i in 1 2 3 4 5; do (true & true); done; sleep 0.3; grep -c "^State:.*Z" /proc/[0-9]*/status | grep -c ":1"';
      const result = spawnSync(
        'unshare',
        ['--pid', '--fork', '--mount-proc', ...command, '--', 'sh', '-c', script],
        { encoding: 'utf8', timeout: 20_000 },
      );
      expect(result.stdout, result.stderr).to.equal('0\n');
    });
  });
}
