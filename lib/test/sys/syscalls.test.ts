import fs from 'node:fs';
import { expect } from 'chai';
import { syscallNumbers as tableOf } from '#lib/seccomp/syscall-table';
import { syscallNumbers } from '#lib/sys/syscalls';
import { skip } from '../assembler/executables.ts';

/** Headers of the kernel (Debian package linux-libc-dev), by the architecture whose numbers they hold. */
const headers = {
  x64: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h',
  arm64: '/usr/include/asm-generic/unistd.h',
} as const;

describe('the numbers of system calls', () => {
  for (const architecture of ['x64', 'arm64'] as const) {
    it(`are those of the kernel on ${architecture}`, function () {
      const header = headers[architecture];
      if (!fs.existsSync(header)) skip(this, `needs ${header} (Debian package linux-libc-dev)`);
      const official = readHeader(header);
      const index = architecture === 'x64' ? 0 : 1;
      let compared = 0;
      for (const [name, numbers] of Object.entries(syscallNumbers)) {
        if (!official.has(name)) continue; // newer than the header
        expect(numbers[index], name).to.equal(official.get(name));
        compared += 1;
      }
      expect(compared).to.be.greaterThan(150);
    });
  }

  it('are the same in programs and in seccomp filters', () => {
    for (const [index, abi] of (['x86_64', 'arm64'] as const).entries()) {
      const table = tableOf(abi);
      for (const [name, numbers] of Object.entries(syscallNumbers)) {
        expect(table.get(name), `${name} on ${abi}`).to.equal(numbers[index]);
      }
    }
  });
});

/** `__NR_read 63`, and `__NR3264_lseek 62` where 32-bit machines have a call of another name. */
function readHeader(file: string): ReadonlyMap<string, number> {
  const lines = fs.readFileSync(file, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm);
  return new Map([...lines].map(([, name = '', number]) => [name, Number(number)]));
}
