import { constants } from 'node:os';
import { expect } from 'chai';
import { u64 } from '#lib/loader/data';
import { loaderElf, loaderFailureStatus } from '#lib/loader/loader-elf';
import { ProgramBuilder, type Register } from '#lib/loader/program';
import { endAsChild, prologue } from '#lib/loader/sequences';
import { AT_FDCWD, openFlags } from '#lib/sys/flags';
import { emulator, skip } from '../assembler/executables.ts';
import { runProgram } from './run-program.ts';

const { SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGUSR1 } = constants.signals;

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`the loader on ${architecture}`, () => {
    before(function () {
      const { missing } = emulator(architecture);
      if (missing) skip(this, missing);
    });

    const run = (builder: ProgramBuilder, options = {}) =>
      runProgram(architecture, builder.build(), options);

    /** Ends the program with the content of a register as exit status. */
    const exitWith = (builder: ProgramBuilder, status: Register | number) =>
      builder.syscall('exit_group', [status]);

    it('is a static executable of 1 to 3 KB without a writable or executable-stack segment', () => {
      const elf = loaderElf(architecture, 3);
      expect(elf.length).to.be.within(1000, 3072);
      const segments = [64, 120].map((at) => [elf.readUInt32LE(at), elf.readUInt32LE(at + 4)]);
      expect(segments).to.deep.equal([
        [1, 5], // PT_LOAD, read and execute
        [0x6474e551, 6], // PT_GNU_STACK, read and write
      ]);
    });

    it('ends with 0 behind the last operation', () => {
      expect(run(new ProgramBuilder())).to.include({ status: 0, failure: undefined });
    });

    it('makes system calls with constants, data and registers as arguments', () => {
      const builder = new ProgramBuilder();
      const length = builder.register();
      builder.set(length, 3);
      builder.syscall('write', [1, builder.string('abcdef'), length], { demand: 3 });
      expect(run(builder)).to.include({ status: 0, stdout: 'abc' });
    });

    it('loads and stores 32 bits, extending without sign', () => {
      const builder = new ProgramBuilder();
      const [value, loaded, ok] = [builder.register(), builder.register(), builder.label()];
      const place = builder.reserve(8);
      builder.set(value, -2n);
      builder.store(value, place, 4, 32);
      builder.load(loaded, place, 0, 64);
      builder.branchEqual(loaded, 0xfffffffe00000000n, ok);
      builder.fail('EPROTO');
      builder.place(ok);
      builder.load(loaded, place, 4, 32);
      const same = builder.label();
      builder.branchEqual(loaded, 0xfffffffe, same);
      builder.fail('EPROTO');
      builder.place(same);
      expect(run(builder).failure).to.equal(undefined);
    });

    it('loads and stores 64 bits through an address in a register', () => {
      const builder = new ProgramBuilder();
      const [value, address] = [builder.register(), builder.register()];
      const status = builder.register();
      const place = builder.reserve(24);
      builder.set(value, 42);
      builder.lea(address, place, 16);
      builder.store(value, address, 0, 64);
      builder.load(status, place, 16, 64);
      exitWith(builder, status);
      expect(run(builder)).to.include({ status: 42 });
    });

    const outside: { name: string; offset: bigint; width: 32 | 64; fails: boolean }[] = [
      { name: 'the last 4 bytes', offset: 12n, width: 32, fails: false },
      { name: 'the last 8 bytes', offset: 8n, width: 64, fails: false },
      { name: 'one byte beyond with 32 bits', offset: 13n, width: 32, fails: true },
      { name: 'one byte beyond with 64 bits', offset: 9n, width: 64, fails: true },
      { name: 'far beyond', offset: 1n << 40n, width: 64, fails: true },
      { name: 'below', offset: -1n, width: 32, fails: true },
    ];
    for (const { name, offset, width, fails } of outside) {
      it(`${fails ? 'refuses' : 'allows'} access to ${name}`, () => {
        for (const access of ['load', 'store'] as const) {
          const builder = new ProgramBuilder();
          const address = builder.register();
          // The relocation table is the one way to an address that was not bounds checked when it was built.
          const data = builder.reserve(8);
          const pointer = builder.pointers([data]);
          builder.load(address, pointer, 0, 64);
          builder[access](builder.register(), address, 0, width);
          const built = builder.build();
          built.data.writeBigInt64LE(offset, pointer.offset);
          const { failure } = runProgram(architecture, built);
          expect(failure?.code, access).to.equal(fails ? 'EFAULT' : undefined);
          if (fails) expect(failure?.index).to.equal(1);
        }
      });
    }

    it('branches on equal and masked-equal values, and jumps', () => {
      const builder = new ProgramBuilder();
      const value = builder.register();
      const [masked, end] = [builder.label(), builder.label()];
      const wrong = builder.label();
      builder.set(value, 0x1234);
      builder.branchEqual(value, 0x34, wrong);
      builder.branchMasked(value, 0xff, 0x34, masked);
      builder.place(wrong);
      exitWith(builder, 1);
      builder.place(end);
      exitWith(builder, 7);
      builder.place(masked);
      builder.branchMasked(value, 0xff, 0x35, wrong);
      builder.jump(end);
      expect(run(builder)).to.include({ status: 7 });
    });

    it('branches on one of four errnos and keeps the result', () => {
      const builder = new ProgramBuilder();
      const result = builder.register();
      const [wrong, found, kept] = [builder.label(), builder.label(), builder.label()];
      builder.syscall('openat', [AT_FDCWD, builder.string('/no/such/file'), 0, 0], {
        result,
        onErrno: [
          { errno: 'EPERM', goto: wrong },
          { errno: 'EACCES', goto: wrong },
          { errno: 'ENOTDIR', goto: wrong },
          { errno: 'ENOENT', goto: found },
        ],
      });
      builder.place(wrong);
      exitWith(builder, 2);
      builder.place(found);
      builder.branchEqual(result, -constants.errno.ENOENT, kept);
      exitWith(builder, 3);
      builder.place(kept);
      exitWith(builder, 4);
      expect(run(builder)).to.include({ status: 4 });
    });

    it('reports operation, result and pid of a call that fails', () => {
      const builder = new ProgramBuilder().stage('look around').from('mounts[1]');
      builder.syscall('getpid', []);
      builder.syscall('openat', [AT_FDCWD, builder.string('/no/such/file'), 0, 0]);
      const { status, failure } = run(builder);
      expect(status).to.equal(loaderFailureStatus);
      expect(failure).to.include({ index: 1, result: -constants.errno.ENOENT, code: 'ENOENT' });
      expect(failure?.operation).to.include({ stage: 'look around', property: 'mounts[1]' });
      expect(failure?.pid).to.be.greaterThan(1);
    });

    it('reports a result other than the demanded one', () => {
      const builder = new ProgramBuilder();
      builder.syscall('read', [0, builder.reserve(16), 16], { demand: 16 });
      const { failure } = run(builder, { input: 'short' });
      expect(failure).to.include({ index: 0, result: 5 });
      expect(failure).not.to.have.property('code');
    });

    it('allows any result where the program does', () => {
      const builder = new ProgramBuilder();
      builder.syscall('close', [999], { demand: 'any' });
      exitWith(builder, 3);
      expect(run(builder)).to.include({ status: 3 });
    });

    it('accepts a demanded errno', () => {
      const builder = new ProgramBuilder();
      builder.syscall('close', [999], { demand: -constants.errno.EBADF });
      expect(run(builder)).to.include({ status: 0, failure: undefined });
    });

    it('reports where the result register points to', () => {
      const builder = new ProgramBuilder();
      builder.set({ register: 0 }, 1);
      builder.fail('EPROTO');
      const { failure, stdout } = run(builder);
      expect(failure).to.equal(undefined);
      expect(stdout).to.have.length.greaterThan(20);
    });

    /** rt_sigtimedwait answers EAGAIN after its time-out: a call whose retries take time. */
    const awaitSignal = (builder: ProgramBuilder, times: number) => {
      const set = builder.struct('sigset', { signals: u64(1n << BigInt(SIGUSR1 - 1)) });
      const timeout = builder.struct('timespec', { tv_sec: u64(0), tv_nsec: u64(10_000_000) });
      builder.syscall('rt_sigprocmask', [0, set, 0, 8]);
      return () =>
        builder.syscall('rt_sigtimedwait', [set, 0, timeout, 8], {
          demand: SIGUSR1,
          retry: { errno: 'EAGAIN', times },
        });
    };

    it('repeats a call as often as it may, and no more', () => {
      const builder = new ProgramBuilder();
      awaitSignal(builder, 4)();
      const { failure, milliseconds } = run(builder);
      expect(failure).to.include({ index: 1, code: 'EAGAIN' });
      expect(milliseconds).to.be.within(50, 2000);
    });

    it('goes on when a repeated call succeeds', () => {
      const builder = new ProgramBuilder();
      const wait = awaitSignal(builder, 1000);
      const [self, pid, child] = [builder.register(), builder.register(), builder.label()];
      builder.syscall('getpid', [], { result: self });
      builder.syscall('clone', [SIGCHLD, 0, 0, 0, 0], { result: pid });
      builder.branchEqual(pid, 0, child);
      wait();
      exitWith(builder, 5);
      builder.place(child);
      const nap = builder.struct('timespec', { tv_sec: u64(0), tv_nsec: u64(50_000_000) });
      builder.syscall('nanosleep', [nap, 0]);
      builder.syscall('kill', [self, SIGUSR1]);
      expect(run(builder)).to.include({ status: 5, failure: undefined });
    });

    it('repeats a call that is interrupted', () => {
      // epoll_wait answers EINTR to a process that was stopped and continued: signal(7).
      const builder = new ProgramBuilder();
      const [epoll, event, self] = [builder.register(), builder.register(), builder.register()];
      const [pid, child] = [builder.register(), builder.label()];
      const nap = builder.struct('timespec', { tv_sec: u64(0), tv_nsec: u64(20_000_000) });
      const events = builder.bytes(Buffer.from([1 /* EPOLLIN */, ...Buffer.alloc(15)]));
      const one = builder.struct('counter', { value: u64(1) });
      builder.syscall('eventfd2', [0, 0], { result: event });
      builder.syscall('epoll_create1', [0], { result: epoll });
      builder.syscall('epoll_ctl', [epoll, 1, event, events]);
      builder.syscall('getpid', [], { result: self });
      builder.syscall('clone', [SIGCHLD, 0, 0, 0, 0], { result: pid });
      builder.branchEqual(pid, 0, child);
      builder.syscall('epoll_pwait', [epoll, events, 1, -1, 0, 8], { demand: 1 });
      exitWith(builder, 6);
      builder.place(child);
      for (const signal of [SIGSTOP, SIGCONT]) {
        builder.syscall('nanosleep', [nap, 0]);
        builder.syscall('kill', [self, signal]);
      }
      builder.syscall('nanosleep', [nap, 0]);
      builder.syscall('write', [event, one, 8]);
      expect(run(builder)).to.include({ status: 6, failure: undefined });
    });

    const inChild = (child: (builder: ProgramBuilder) => void) => {
      const builder = new ProgramBuilder();
      const [pid, label] = [builder.register(), builder.label()];
      builder.syscall('clone', [SIGCHLD, 0, 0, 0, 0], { result: pid });
      builder.branchEqual(pid, 0, label);
      endAsChild(builder, pid);
      builder.place(label).stage('in the child');
      child(builder);
      return builder;
    };

    it('lets a clone go on in the same program and passes its exit status on', () => {
      const builder = inChild((child) => exitWith(child, 42));
      expect(run(builder)).to.include({ status: 42, signal: null });
    });

    it('passes on the signal that killed a child', () => {
      const builder = inChild((child) => {
        const self = child.register();
        child.syscall('getpid', [], { result: self });
        child.syscall('kill', [self, SIGKILL]);
      });
      expect(run(builder)).to.include({ status: null, signal: 'SIGKILL' });
    });

    it('reports a failure in a child', () => {
      const builder = inChild((child) => child.syscall('close', [999]));
      const { status, failure } = run(builder);
      expect(failure).to.include({ code: 'EBADF' });
      expect(failure?.operation.stage).to.equal('in the child');
      expect(status).to.equal(loaderFailureStatus);
    });

    it('relocates pointers inside the data: argv of what it executes', () => {
      const builder = new ProgramBuilder();
      const argv = ['sh', '-c', 'printf "%s-%s" "$@"; exit 7', 'x', 'one', 'two'];
      const strings = argv.map((text) => builder.string(text));
      builder.syscall('execve', [
        builder.string('/bin/sh'),
        builder.pointers([...strings, null]),
        builder.pointers([null]),
      ]);
      expect(run(builder)).to.include({ status: 7, stdout: 'one-two', failure: undefined });
    });

    it('takes nothing but the right bytes for a handshake', () => {
      const token = Buffer.from('CONTINUE');
      const handshake = () => {
        const builder = new ProgramBuilder();
        const [received, agreed] = [builder.register(), builder.label()];
        const buffer = builder.reserve(8);
        builder.syscall('read', [0, buffer, 8], { demand: 8 });
        builder.load(received, buffer, 0, 64);
        builder.branchEqual(received, token.readBigUInt64LE(), agreed);
        builder.fail('EPROTO');
        builder.place(agreed);
        return builder;
      };
      expect(run(handshake(), { input: 'CONTINUE' })).to.include({ failure: undefined, status: 0 });
      expect(run(handshake(), { input: 'CONTINUX' }).failure).to.include({ code: 'EPROTO' });
      expect(run(handshake(), { input: 'CONT' }).failure).to.include({ index: 0, result: 4 });
      expect(run(handshake(), { input: '' }).failure).to.include({ index: 0, result: 0 });
    });

    it('starts with default signal dispositions and an empty mask', () => {
      const builder = new ProgramBuilder();
      const grep = ['grep', '^Sig[BI]', '/proc/self/status'];
      builder.syscall('execve', [
        builder.string('/bin/grep'),
        builder.pointers([...grep.map((text) => builder.string(text)), null]),
        builder.pointers([null]),
      ]);
      const { stdout } = run(builder, { shell: 'trap "" USR1 TERM HUP; exec' });
      const [blocked, ignored] = [...stdout.matchAll(/[0-9a-f]{16}/g)].map(([mask]) =>
        BigInt(`0x${mask}`),
      );
      // An emulator lets nobody touch signals 32 and 33, which its own libc uses: they stay as they were.
      const untouchable = emulator(architecture).command.length > 0 ? 0x1_8000_0000n : 0n;
      expect({ blocked, ignored: (ignored ?? -1n) & ~untouchable }).to.deep.equal({
        blocked: 0n,
        ignored: 0n,
      });
    });

    it('begins with a prologue that closes, hides and names', function () {
      if (emulator(architecture).command.length > 0)
        skip(this, 'qemu keeps descriptors of its own');
      const builder = new ProgramBuilder();
      prologue(builder, { name: 'test:init', openFiles: { soft: 77n, hard: 99n } });
      const dumpable = builder.register();
      builder.syscall('prctl', [3, 0, 0, 0, 0], { result: dumpable, demand: 0 });
      const script = 'ls /proc/self/fd; ulimit -Sn; ulimit -Hn; umask; cat /proc/$$/comm';
      builder.syscall('execve', [
        builder.string('/bin/sh'),
        builder.pointers([...['sh', '-c', script].map((text) => builder.string(text)), null]),
        builder.pointers([null]),
      ]);
      const { stdout, failure } = run(builder, { shell: 'exec 9</dev/null; exec' });
      expect(failure).to.equal(undefined);
      // 3 is the folder that ls itself has open
      expect(stdout.split('\n')).to.deep.equal(['0', '1', '2', '3', '77', '99', '0000', 'sh', '']);
    });

    it('cannot open a file for which it has no number left', () => {
      const builder = new ProgramBuilder();
      prologue(builder, { name: 'test:init', openFiles: { soft: 3n, hard: 3n } });
      builder.syscall('openat', [AT_FDCWD, builder.string('/'), openFlags.O_DIRECTORY, 0]);
      expect(run(builder).failure).to.include({ code: 'EMFILE' });
    });
  });
}
