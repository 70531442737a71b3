import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { UnloggedOutput } from '../../src/daemon/output.ts';

describe('UnloggedOutput', () => {
  let folder: string;

  beforeEach(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'output-'))));
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('closes while a subscriber still holds the output back', async () => {
    const stdout = path.join(folder, 'stdout');
    execFileSync('mkfifo', [stdout]);
    const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
    const taken = new Promise<string>((resolve) => {
      output.subscribe({
        write: (_stream, chunk) => {
          resolve(chunk.toString());
          return new Promise(() => undefined);
        },
        end: () => undefined,
      });
    });
    fs.writeFileSync(stdout, 'never taken');
    expect(await taken).to.equal('never taken');
    await output.close();
  });
});
