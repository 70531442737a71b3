import fs from 'node:fs';
import { expect } from 'chai';
import { startRequestedLoader, type LoaderRequest } from '#lib/loader/loader-request';
import { ProgramBuilder } from '#lib/loader/program';
import { sealedExecutable, unlinkedExecutable } from '#lib/loader/sealed-executable';
import {
  readFailure,
  spawnLoader,
  startLoader,
  waitForLoader,
  type LoaderOptions,
} from '#lib/loader/spawn-loader';
import type { Program } from '#lib/loader/program';
import { seals } from '#lib/sys/flags';
import { getSeals } from '#lib/sys/memfd';
import { pipe, posixSpawn, waitPid } from '#lib/sys/posix-spawn';

/** Both ways to start a loader, as one: what it wrote to its standard output, how it ended, what failed. */
const ways = {
  startLoader: async (program: Program, options: LoaderOptions) => {
    const loader = startLoader(program, options);
    const { exitCode } = waitPid(loader.pid);
    return { exitCode, failure: readFailure(program, loader) };
  },
  'startLoader, by a process that starts it for another one': async (
    program: Program,
    options: LoaderOptions,
  ) => {
    const startElsewhere = (request: LoaderRequest) => startRequestedLoader(process.pid, request);
    const loader = startLoader(program, { ...options, startElsewhere });
    waitForLoader(loader); // until it is a zombie: whose child it is waits for it
    const { exitCode } = waitPid(loader.pid);
    return { exitCode, failure: readFailure(program, loader) };
  },
  spawnLoader: async (program: Program, options: LoaderOptions) => {
    const { child, failure } = spawnLoader(program, options);
    const exitCode = await new Promise((resolve) => child.on('exit', resolve));
    return { exitCode, failure: await failure };
  },
};

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;

for (const [name, start] of Object.entries(ways)) {
  describe(name, () => {
    /** Copies the first byte of each descriptor to standard output, in the order of `names`. */
    const copyFrom = (names: readonly string[], preserved: number) => {
      const builder = new ProgramBuilder({ preservedDescriptors: preserved });
      const buffer = builder.reserve(8);
      const numbers = [
        ...Array.from({ length: preserved }, (_, index) => 3 + index),
        ...names.map((descriptor) => builder.descriptor(descriptor)),
      ];
      for (const number of numbers) {
        builder.syscall('read', [number, buffer, 1], { demand: 1 });
        builder.syscall('write', [1, buffer, 1], { demand: 1 });
      }
      return builder.build();
    };

    it('puts every descriptor at its number, however the sources are numbered', async () => {
      const output = pipe();
      // Low numbers that are targets of others, in an order that makes each the target of the next.
      const letters = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => {
        const { readEnd, writeEnd } = pipe();
        fs.writeSync(writeEnd, letter);
        fs.closeSync(writeEnd);
        return readEnd;
      });
      const [a = -1, b = -1, c = -1, d = -1, e = -1, f = -1] = letters;
      const program = copyFrom(['w', 'x', 'y', 'z'], 2);
      const { exitCode, failure } = await start(program, {
        stdio: [0, output.writeEnd, 2],
        preserved: [f, e],
        descriptors: { z: a, y: b, x: c, w: d },
      });
      fs.closeSync(output.writeEnd);
      expect(failure).to.equal(undefined);
      expect(exitCode).to.equal(0);
      expect(fs.readFileSync(output.readEnd, 'utf8')).to.equal('fedcba');
      for (const fd of [...letters, output.readEnd]) fs.closeSync(fd);
    });

    it('says what failed', async () => {
      const builder = new ProgramBuilder().stage('fail');
      builder.syscall('close', [999]);
      const { exitCode, failure } = await start(builder.build(), {});
      expect(failure).to.include({ index: 0, code: 'EBADF' });
      expect(exitCode).to.equal(1);
    });

    it('leaves no descriptor behind', async () => {
      const program = new ProgramBuilder().build();
      await start(program, {}); // creates the loader, which stays
      const before = openDescriptors();
      for (let index = 0; index < 5; index++) await start(program, {});
      expect(openDescriptors()).to.equal(before);
    });

    it('gives the loader nothing that can be overwritten, and no environment', async () => {
      const output = pipe();
      const builder = new ProgramBuilder();
      // The shell reads what its parent, the loader, is: the clone waits for it.
      const [pid, child] = [builder.register(), builder.label()];
      builder.syscall('clone', [17, 0, 0, 0, 0], { result: pid });
      builder.branchEqual(pid, 0, child);
      builder.syscall('wait4', [pid, 0, 0, 0]);
      builder.syscall('exit_group', [0]);
      builder.place(child);
      const script =
        'wc -c </proc/$PPID/environ; readlink /proc/$PPID/exe; { echo x >/proc/$PPID/exe; } 2>/dev/null || echo refused';
      builder.syscall('execve', [
        builder.string('/bin/sh'),
        builder.pointers([...['sh', '-c', script].map((text) => builder.string(text)), null]),
        builder.pointers([null]),
      ]);
      await start(builder.build(), { stdio: [0, output.writeEnd, 2] });
      fs.closeSync(output.writeEnd);
      const lines = fs.readFileSync(output.readEnd, 'utf8').trim().split('\n');
      fs.closeSync(output.readEnd);
      expect(lines).to.deep.equal(['0', '/memfd:loader (deleted)', 'refused']);
    });

    it('asks for every descriptor the program names', async () => {
      const builder = new ProgramBuilder();
      builder.descriptor('rootfs');
      let thrown: unknown;
      await start(builder.build(), {}).catch((error: unknown) => (thrown = error));
      expect(thrown).to.be.instanceOf(RangeError).with.property('message').that.includes('rootfs');
    });
  });
}

describe('sealedExecutable', () => {
  const script = Buffer.from('#!/bin/sh\nexit 9\n');
  const runs = (fd: number) => {
    // A script is read again by its interpreter, so its descriptor must stay open: number 9 is no source.
    const path = '/proc/self/fd/9';
    const pid = posixSpawn({ path, argv: ['x'], descriptors: [[fd, 9]] });
    return waitPid(pid).exitCode;
  };

  it('cannot be written, and cannot be unsealed', () => {
    const fd = sealedExecutable('test', script);
    const wanted = seals.F_SEAL_WRITE | seals.F_SEAL_SHRINK | seals.F_SEAL_GROW | seals.F_SEAL_SEAL;
    expect(getSeals(fd) & wanted).to.equal(wanted);
    expect(() => fs.writeSync(fd, 'x')).to.throw('EPERM');
    expect(runs(fd)).to.equal(9);
    fs.closeSync(fd);
  });

  it('falls back to an unlinked file that is open for reading only', () => {
    const fd = unlinkedExecutable(script);
    expect(() => fs.writeSync(fd, 'x')).to.throw('EBADF');
    expect(fs.fstatSync(fd).nlink).to.equal(0);
    expect(runs(fd)).to.equal(9);
    fs.closeSync(fd);
  });

  it('names the sysctl when there is no way', () => {
    expect(() => unlinkedExecutable(script, ['/proc', '/nope']))
      .to.throw('vm.memfd_noexec')
      .with.property('kind', 'permission_denied');
  });
});
