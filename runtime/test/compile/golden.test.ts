/**
 * Bundles as runc, docker, containerd and podman write them, and the programs they compile to. After a wanted change
 * `UPDATE_GOLDEN=1 npx mocha runtime/test/compile/golden.test.ts` writes the programs anew: read the difference.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { printProgram } from '#lib/loader/print';
import { compileContainer } from '../../src/compile/container-program.ts';
import { bundles, hostFor } from './bundle-library.ts';

const update = process.env.UPDATE_GOLDEN === '1';

describe('compileContainer', () => {
  for (const name of fs.readdirSync(bundles).sort()) {
    it(`compiles the bundle ${name} to the program beside it`, () => {
      const printed = printProgram(compileContainer(hostFor(name)));
      const golden = path.join(bundles, name, 'program.txt');
      if (update) fs.writeFileSync(golden, printed);
      expect(printed).to.equal(fs.readFileSync(golden, 'utf8'));
    });
  }
});
