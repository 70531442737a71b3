import { expect } from 'chai';
import { u64 } from '#lib/loader/data';
import { failureError, parseFailure } from '#lib/loader/failure';
import { encodeProgram, headerSize, operationSize } from '#lib/loader/encode';
import { printProgram, programJson } from '#lib/loader/print';
import { ProgramBuilder, programMagic } from '#lib/loader/program';
import { AT_FDCWD, cloneFlags, mountFlags, openFlags, resolveFlags } from '#lib/sys/flags';

function example() {
  const builder = new ProgramBuilder();
  const rootfs = builder.descriptor('rootfs');
  const [fd, code, missing] = [builder.register(), builder.register(), builder.label()];
  const how = builder.struct('open_how', {
    flags: u64(openFlags.O_PATH | openFlags.O_CLOEXEC),
    mode: u64(0),
    resolve: u64(resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS),
  });
  builder.stage('mount proc').from('mounts[0].destination');
  builder.syscall('openat2', [rootfs, builder.string('proc'), how, 24], {
    result: fd,
    onErrno: { errno: 'ENOENT', goto: missing },
    retry: { errno: 'EAGAIN', times: 8 },
  });
  builder.from('mounts[0]');
  builder.syscall('mount', [
    builder.string('proc'),
    builder.string('.'),
    0,
    mountFlags.MS_NOSUID,
    0,
  ]);
  builder.syscall('mkdirat', [AT_FDCWD, builder.string('it"s'), 0o755], { demand: 0 });
  builder.place(missing).stage('execute');
  builder.syscall('unshare', [cloneFlags.CLONE_NEWNS | 0x40000]);
  const buffer = builder.reserve(8, 'buffer');
  builder
    .load(code, buffer, 4, 32)
    .store(code, how.field('mode'), 0, 64)
    .lea(code, how)
    .set(code, -1);
  builder.branchMasked(code, 0xff, 0x11, missing).branchEqual(code, -1, missing).jump(missing);
  builder.fail('EPROTO');
  const argv = builder.pointers([builder.string('sh'), null]);
  builder.syscall('execve', [builder.string('/bin/sh'), argv, builder.pointers([null])], {
    demand: 'any',
  });
  return builder.build();
}

describe('printProgram', () => {
  it('shows stages, properties, flags, strings, structures and branches', () => {
    expect(printProgram(example())).to.equal(`mount proc  (mounts[0].destination)
    0  r1 = openat2(5 <rootfs>, "proc", open_how { flags: O_CLOEXEC|O_PATH, resolve: RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT }, 24)   ENOENT → 3, EAGAIN retried 8×

mount proc  (mounts[0])
    1  mount("proc", ".", NULL, MS_NOSUID, NULL)
    2  mkdirat(AT_FDCWD, "it\\"s", 0755)   must be 0

execute
    3  unshare(CLONE_NEWNS|0x40000)
    4  r2 = load32 buffer@48+4
    5  store64 open_how.mode = r2
    6  r2 = open_how { flags: O_CLOEXEC|O_PATH, resolve: RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT }
    7  r2 = -1
    8  if (r2 & 0xff) == 0x11 go to 3
    9  if r2 == -1 go to 3
   10  go to 3
   11  fail with EPROTO
   12  execve("/bin/sh", ["sh", NULL], [NULL])   may fail
`);
  });
});

describe('programJson', () => {
  it('can be written as JSON and keeps provenance apart from the call', () => {
    const json = JSON.parse(JSON.stringify(programJson(example()))) as {
      descriptors: unknown;
      operations: unknown[];
    };
    expect(json.descriptors).to.deep.equal([{ name: 'rootfs', number: 5 }]);
    expect(json.operations[1]).to.deep.equal({
      index: 1,
      stage: 'mount proc',
      property: 'mounts[0]',
      kind: 'syscall',
      text: 'mount("proc", ".", NULL, MS_NOSUID, NULL)',
      syscall: 'mount',
      args: ['"proc"', '"."', 'NULL', 'MS_NOSUID', 'NULL'],
      demand: 'nonnegative',
    });
  });
});

describe('failureError', () => {
  const record = (index: number, result: number) => {
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(programMagic, 0);
    bytes.writeBigUInt64LE(BigInt(headerSize + index * operationSize), 8);
    bytes.writeBigInt64LE(BigInt(result), 16);
    bytes.writeBigUInt64LE(9n, 24);
    return bytes;
  };

  it('names stage, property, call and errno, and takes its kind from the errno', () => {
    const program = example();
    const failure = parseFailure(program, record(0, -2));
    expect(failure && failureError(program, failure)).to.include({
      kind: 'not_found',
      message:
        'mount proc (mounts[0].destination): r1 = openat2(5 <rootfs>, "proc", open_how { flags: ' +
        'O_CLOEXEC|O_PATH, resolve: RESOLVE_NO_MAGICLINKS|RESOLVE_IN_ROOT }, 24): ENOENT',
    });
  });

  it('says which result was not expected', () => {
    const program = example();
    const failure = parseFailure(program, record(2, 5));
    expect(failure && failureError(program, failure).message).to.match(/: unexpected result 5$/);
  });

  it('refuses what is no record of the program', () => {
    const program = example();
    expect(encodeProgram(program, 'x64').length).to.be.greaterThan(0);
    expect(parseFailure(program, Buffer.alloc(0))).to.equal(undefined);
    for (const bytes of [record(99, 0), record(0, 0).subarray(1), Buffer.alloc(32)]) {
      expect(() => parseFailure(program, bytes))
        .to.throw()
        .with.property('kind', 'data_loss');
    }
  });
});
