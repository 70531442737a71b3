import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { createTestWorker } from '../test-worker.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

/** The mount namespaces of this process's threads. */
const mountNamespaces = () =>
  new Set(
    fs.readdirSync('/proc/self/task').flatMap((thread) => {
      try {
        return [fs.readlinkSync(`/proc/self/task/${thread}/ns/mnt`)];
      } catch {
        return []; // it has just ended
      }
    }),
  );

describe('FileWorker with mounts that only the kernel can show', () => {
  const folder = useTemporaryFolder();
  const at = (...names: string[]) => path.join(folder(), ...names);

  before(function () {
    if (process.getuid?.() !== 0) this.skip(); // mounts
  });

  function layer(name: string, files: Record<string, string>): string {
    for (const [file, content] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(at(name, file)), { recursive: true });
      fs.writeFileSync(at(name, file), content);
    }
    return at(name);
  }

  const overlay = (...lower: string[]) => ({
    type: 'overlay',
    source: 'overlay',
    options: [`lowerdir=${lower.join(':')}`],
  });

  it('packs a difference, unpacks it again, and leaves no mount behind', async () => {
    const base = layer('base', { kept: '1', 'dir/gone': '2' });
    const left = [overlay(layer('l', { changed: 'before' }), base)];
    fs.mkdirSync(at('empty'));
    const right = [overlay(layer('r', { changed: 'new', added: '3' }), at('empty'))];
    const worker = createTestWorker({ scratch: at('scratch') });
    try {
      const file = at('layer.tar');
      const { sizeBytes } = await worker.diff({ left, right, compression: 'none', file });
      expect(fs.statSync(file).size).to.equal(sizeBytes);
      const names = execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n');
      expect(names).to.deep.equal(['added', 'changed', '.wh.dir', '.wh.kept']);

      // Two mounts on each other: what is written belongs to the upper one.
      const [lower, target] = [layer('lower', { below: '' }), layer('target', { kept: '' })];
      const bind = (source: string) => ({ type: 'bind', source, options: ['rbind', 'rw'] });
      await worker.apply({ layer: file, mounts: [bind(lower), bind(target)], sync: false });
      expect(fs.readdirSync(target).sort()).to.deep.equal(['added', 'changed']);
      expect(fs.readdirSync(lower)).to.deep.equal(['below']);

      while (mountNamespaces().size > 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(fs.readFileSync('/proc/self/mounts', 'utf8')).to.not.include(folder());
      fs.rmSync(at('scratch'), { recursive: true });
    } finally {
      await worker.close();
    }
  });

  it('goes on with other threads after one has ended with its mounts', async () => {
    const worker = createTestWorker({ scratch: at('scratch') });
    try {
      const missing = [overlay(at('none'), at('nothing'))];
      for (let attempt = 0; attempt < 3; attempt++) {
        const job = { left: [], right: missing, compression: 'none', file: at('layer') } as const;
        const error: unknown = await worker.diff(job).catch((thrown: unknown) => thrown);
        expect(String(error)).to.include('ENOENT');
      }
      expect((await worker.usage(folder())).inodes).to.be.above(0);
    } finally {
      await worker.close();
    }
  });
});
