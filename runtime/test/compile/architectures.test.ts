/** Every program of the library of bundles is one for arm64 too: the same operations under the numbers of that machine. */
import fs from 'node:fs';
import { expect } from 'chai';
import { encodeProgram, field, headerSize, operationSize } from '#lib/loader/encode';
import type { Program } from '#lib/loader/program';
import { auditArchitectures } from '#lib/seccomp/architecture';
import { syscallNumber, type Architecture } from '#lib/sys/syscalls';
import { compileContainer } from '../../src/compile/container-program.ts';
import { bundles, hostFor } from './bundle-library.ts';

describe('compileContainer for arm64', () => {
  for (const name of fs.readdirSync(bundles).sort()) {
    it(`numbers the calls of the bundle ${name} as that machine does`, () => {
      for (const architecture of ['x64', 'arm64'] as const) {
        const program = compileContainer(hostFor(name, architecture));
        expect(encodedCalls(program, architecture)).to.deep.equal(
          program.operations.map((operation) =>
            operation.kind === 'syscall' ? syscallNumber(operation.name, architecture) : undefined,
          ),
        );
      }
    });
  }

  it('asks in its seccomp filter for the calling convention of that machine', () => {
    for (const [architecture, abi] of [
      ['x64', 'x86_64'],
      ['arm64', 'arm64'],
    ] as const) {
      const { filter = Buffer.alloc(0) } = hostFor('docker', architecture).seccomp ?? {};
      const audit = Buffer.alloc(4);
      audit.writeUInt32LE(auditArchitectures[abi]);
      expect(Buffer.from(filter).includes(audit), abi).to.equal(true);
    }
  });
});

function encodedCalls(program: Program, architecture: Architecture): (number | undefined)[] {
  const bytes = encodeProgram(program, architecture);
  return program.operations.map(({ kind }, index) =>
    kind === 'syscall'
      ? bytes.readUInt16LE(headerSize + index * operationSize + field.number)
      : undefined,
  );
}
