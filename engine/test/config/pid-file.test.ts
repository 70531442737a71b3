import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { claimPidFile } from '../../src/config/pid-file.ts';

describe('claimPidFile', () => {
  let folder: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'engine-pid-'));
  });

  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  it('is held by one at a time, and gone afterwards', () => {
    const file = path.join(folder, 'new', 'engined.pid');
    const release = claimPidFile(file);
    expect(fs.readFileSync(file, 'utf8')).to.equal(String(process.pid));
    expect(() => claimPidFile(file)).to.throw(
      StackError,
      `failed to start daemon, ensure engined is not running or delete ${file}: process with PID ${process.pid} is still running`,
    );
    release();
    expect(fs.existsSync(file)).to.equal(false);
    claimPidFile(file)();
  });

  it('takes the file of a dead process, whoever has its number now', () => {
    const file = path.join(folder, 'engined.pid');
    fs.writeFileSync(file, `1234567 ${'x'.repeat(50)}`);
    const release = claimPidFile(file);
    expect(fs.readFileSync(file, 'utf8')).to.equal(String(process.pid));
    release();
  });

  it('is let go by whoever is killed, not by what it started', async () => {
    const file = path.join(folder, 'engined.pid');
    const module = path.resolve(import.meta.dirname, '../../src/config/pid-file.ts');
    const holder = spawn(
      process.execPath,
      [
        '--conditions=source',
        '--input-type=module',
        '-e',
        `import { spawn } from 'node:child_process';
         import { claimPidFile } from ${JSON.stringify(module)};
         claimPidFile(${JSON.stringify(file)});
         const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
         console.log(child.pid);
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [line] = (await once(holder.stdout, 'data')) as [Buffer];
    try {
      expect(() => claimPidFile(file)).to.throw(StackError, `PID ${holder.pid} is still running`);
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      claimPidFile(file)();
    } finally {
      process.kill(Number(line.toString()), 'SIGKILL');
    }
  });
});
