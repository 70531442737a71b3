import { constants } from 'node:os';
import { expect } from 'chai';
import fc from 'fast-check';
import { u16, u32, u64, u8, pointer } from '#lib/loader/data';
import { encodeProgram, field, header, headerSize, kinds, operationSize } from '#lib/loader/encode';
import { ProgramBuilder, programMagic, type Operand } from '#lib/loader/program';
import { syscallNumber, syscallNumbers, type SyscallName } from '#lib/sys/syscalls';

const position = (index: number) => headerSize + index * operationSize;

describe('encodeProgram', () => {
  it('begins with a header that says where everything lies', () => {
    const builder = new ProgramBuilder({ preservedDescriptors: 2 });
    const text = builder.string('x');
    builder.pointers([text, null, text]);
    builder.syscall('getpid', []);
    const image = encodeProgram(builder.build(), 'x64');
    const fields = Object.values(header).map((at) => image.readUInt32LE(at));
    const relocations = position(1);
    const data = relocations + 2 * 8;
    expect(fields).to.deep.equal([programMagic, 1, relocations, 2, data, 32, 6]);
    expect(image.length).to.equal(data + 32);
    expect([0, 8].map((at) => image.readBigUInt64LE(relocations + at))).to.deep.equal([8n, 24n]);
  });

  it('numbers system calls for the architecture', () => {
    const builder = new ProgramBuilder();
    builder.syscall('execve', []);
    const program = builder.build();
    const number = (architecture: 'x64' | 'arm64') =>
      encodeProgram(program, architecture).readUInt16LE(position(0) + field.number);
    expect([number('x64'), number('arm64')]).to.deep.equal([59, 221]);
  });

  it('repeats every call but close when it is interrupted', () => {
    const builder = new ProgramBuilder();
    builder.syscall('read', []).syscall('close', [3]);
    const image = encodeProgram(builder.build(), 'x64');
    const interrupted = [0, 1].map((index) =>
      image.readUInt16LE(position(index) + field.interrupted),
    );
    expect(interrupted).to.deep.equal([constants.errno.EINTR, 0]);
  });

  it('keeps every operand, demand and branch, whatever the program', () => {
    const names = Object.keys(syscallNumbers) as SyscallName[]; // the type says what keys there are
    const calls = fc.array(
      fc.record({
        name: fc.constantFrom(...names),
        args: fc.array(fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }), { maxLength: 6 }),
        demand: fc.constantFrom('any', 'nonnegative', 0, -2, 4096),
        errnos: fc.uniqueArray(fc.constantFrom('ENOENT', 'EPERM', 'ENOSYS', 'EINVAL', 'EACCES'), {
          maxLength: 4,
        }),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(calls, fc.constantFrom('x64', 'arm64'), (operations, architecture) => {
        const builder = new ProgramBuilder();
        const start = builder.label();
        builder.place(start);
        for (const { name, args, demand, errnos } of operations) {
          const onErrno = errnos.map((errno) => ({ errno, goto: start }));
          builder.syscall(name, args, { demand: demand as number, onErrno });
        }
        const image = encodeProgram(builder.build(), architecture);
        expect(image.readUInt32LE(header.operationCount)).to.equal(operations.length);
        operations.forEach(({ name, args, demand, errnos }, index) => {
          const slot = image.subarray(position(index), position(index + 1));
          expect(slot.readUInt8(field.kind)).to.equal(kinds.syscall);
          expect(slot.readUInt16LE(field.number)).to.equal(syscallNumber(name, architecture));
          args.forEach((value, at) => {
            const read = slot.readBigUInt64LE(field.operands + 8 * at);
            expect(read).to.equal(BigInt.asUintN(64, value));
          });
          if (typeof demand === 'number') {
            expect(slot.readBigInt64LE(field.demanded)).to.equal(BigInt(demand));
          }
          const read = [0, 1, 2, 3].map((at) => slot.readUInt16LE(field.errnos + 2 * at));
          const expected = errnos.map((errno) => constants.errno[errno as 'EPERM']);
          expect(read.filter((errno) => errno !== 0)).to.deep.equal(expected);
          errnos.forEach((_, at) => {
            expect(slot.readUInt32LE(field.targets + 4 * at)).to.equal(position(0));
          });
        });
      }),
      { numRuns: 200 },
    );
  });

  it('refuses constants of more than 64 bits', () => {
    for (const value of [1n << 64n, -(1n << 63n) - 1n]) {
      const builder = new ProgramBuilder();
      builder.syscall('read', [value]);
      expect(() => encodeProgram(builder.build(), 'x64')).to.throw(RangeError, '64 bits');
    }
  });
});

describe('ProgramBuilder', () => {
  it('refuses what the loader could not execute', () => {
    const builder = new ProgramBuilder();
    const label = builder.label();
    const operands: Operand[] = [1, 2, 3, 4, 5, 6, 7];
    const goto = { errno: 'ENOENT', goto: label };
    expect(() => builder.syscall('read', operands)).to.throw(RangeError, 'at most 6');
    expect(() => builder.syscall('read', [], { onErrno: [goto, goto, goto, goto, goto] })).to.throw(
      RangeError,
      'at most 4 errnos',
    );
    expect(() => builder.load(builder.register(), builder.reserve(4), 0, 64)).to.throw('exceed');
    expect(() => builder.string('a\0b'))
      .to.throw('NUL')
      .with.property('kind', 'invalid_argument');
    builder.jump(label);
    expect(() => builder.build()).to.throw('never placed');
  });

  it('has 31 registers to give', () => {
    const builder = new ProgramBuilder();
    for (let index = 1; index < 32; index++) builder.register();
    expect(() => builder.register()).to.throw(RangeError);
  });

  it('stores equal strings once, other data always anew', () => {
    const builder = new ProgramBuilder();
    expect(builder.string('a')).to.equal(builder.string('a'));
    expect(builder.reserve(8).offset).not.to.equal(builder.reserve(8).offset);
  });

  it('numbers descriptors behind the preserved ones and closes what lies beyond', () => {
    const builder = new ProgramBuilder({ preservedDescriptors: 3 });
    builder.closeUndeclared();
    const numbers = [builder.descriptor('rootfs'), builder.descriptor('fifo')];
    expect(numbers).to.deep.equal([8, 9]);
    expect(builder.descriptor('rootfs')).to.equal(8);
    const { programDescriptor, resultDescriptor, operations } = builder.build();
    expect([programDescriptor, resultDescriptor]).to.deep.equal([6, 7]);
    expect(operations[0]).to.deep.include({ name: 'close_range', args: [10, 0xffffffff, 0] });
  });

  it('lays structures out as C does', () => {
    const builder = new ProgramBuilder();
    const text = builder.string('text');
    const place = builder.struct('example', {
      a: u8(1),
      b: u16(2),
      c: u8(3),
      d: u32(-1 >>> 0),
      e: u64(5),
      f: pointer(text),
      g: pointer(null),
      h: u8(9),
    });
    const { data, relocations } = builder.build();
    const bytes = data.subarray(place.offset, place.offset + place.size);
    expect(place.size).to.equal(48);
    expect(bytes.subarray(0, 16).toString('hex')).to.equal(
      '01000200' + '03000000' + 'ffffffff' + '00000000',
    );
    expect(place.field('h').offset - place.offset).to.equal(40);
    expect(relocations).to.deep.equal([place.field('f').offset]);
    expect(() => place.field('nope')).to.throw(RangeError);
    expect(() => builder.struct('x', { a: u8(256) })).to.throw(RangeError, '8 bits');
  });
});
