import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { launcherElf, softOpenFilesVariable } from '#lib/loader/launcher';
import { emulator, skip, writeExecutables } from '../assembler/executables.ts';

/** Stands for Node: says how it was called. */
const node = `#!/bin/sh
printf '%s\\n' "$@" "limit $${softOpenFilesVariable}" "kept $KEPT"
`;

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`launcherElf on ${architecture}`, () => {
    let folder = '';
    let launcher = '';
    const { command, missing } = emulator(architecture);

    before(function () {
      if (missing) skip(this, missing);
    });

    beforeEach(() => {
      folder = writeExecutables({
        'bin/engined': launcherElf('engined', architecture, ['--no-warnings']),
        'lib/node': Buffer.from(node),
      });
      launcher = path.join(folder, 'bin/engined');
    });

    afterEach(() => fs.rmSync(folder, { recursive: true }));

    const run = (shell: string, args: string[] = []) => {
      const script = `${shell} exec ${[...command, launcher].join(' ')} "$@"`;
      const output = execFileSync('sh', ['-c', script, 'sh', ...args], { encoding: 'utf8' });
      return output.trimEnd().split('\n');
    };

    it('starts Node with its options, the bundle, and the arguments as they are', () => {
      expect(run('', ['-H', 'a b', '']).slice(0, 5)).to.deep.equal([
        '--no-warnings',
        path.join(folder, 'lib/engined.cjs'),
        '-H',
        'a b',
        '',
      ]);
    });

    it('passes the environment on and records the soft limit of open files', () => {
      const lines = run('export KEPT=yes; ulimit -Sn 321;');
      expect(lines.slice(-2)).to.deep.equal(['limit 321', 'kept yes']);
    });

    it('keeps a record from outside where Node has raised the limit, and only there', () => {
      const outer = `export ${softOpenFilesVariable}=55;`;
      expect(run(`${outer} ulimit -n 400;`).at(-2)).to.equal('limit 55');
      expect(run(`${outer} ulimit -Sn 321;`).at(-2)).to.equal('limit 321');
    });

    it('follows symbolic links to itself', () => {
      const link = path.join(folder, 'link');
      fs.symlinkSync(launcher, link);
      const output = execFileSync('env', [...command, link], { encoding: 'utf8' });
      expect(output).to.include(path.join(folder, 'lib/engined.cjs'));
    });

    it('says what is missing and exits with 127', () => {
      fs.rmSync(path.join(folder, 'lib/node'));
      const { status, stderr } = spawnSync('env', [...command, launcher], { encoding: 'utf8' });
      const missingNode = path.join(folder, 'lib/node');
      expect(stderr).to.equal(`engined: cannot run ${missingNode}: no such file or directory\n`);
      expect(status).to.equal(127);
    });
  });
}
