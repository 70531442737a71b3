/**
 * The start of a container on the architecture that this machine is not: fresh namespaces, a root of its own, an
 * ordinary user, the exec fifo, and at last `hello` of that architecture. What qemu's user mode does not emulate is
 * replaced by what it does: clone3 by unshare and clone, openat2 by openat, seccomp not at all.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { helloElf } from '#lib/hello-image/hello-executable';
import { ProgramBuilder, type Program } from '#lib/loader/program';
import { endAsChild, prologue } from '#lib/loader/sequences';
import {
  AT_FDCWD,
  cloneFlags,
  mountFlags,
  openFlags,
  prctlOptions,
  umountFlags,
} from '#lib/sys/flags';
import type { Architecture } from '#lib/sys/syscalls';
import { emulator, skip, writeExecutables } from '../assembler/executables.ts';
import { runProgram } from './run-program.ts';

const foreign: Architecture = process.arch === 'arm64' ? 'x64' : 'arm64';
const { CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWIPC } = cloneFlags;
const { MS_BIND, MS_PRIVATE, MS_REC, MS_NOSUID, MS_NODEV, MS_NOEXEC } = mountFlags;
const SIGCHLD = 17;
const user = 1234;

describe(`a container for ${foreign} under qemu-user`, () => {
  let root = '';

  before(function () {
    const { command, missing } = emulator(foreign);
    if (missing) skip(this, missing);
    if (process.getuid?.() !== 0) skip(this, 'needs root');
    const [qemu = ''] = command;
    root = writeExecutables({ hello: helloElf(foreign) });
    fs.chmodSync(root, 0o755);
    fs.mkdirSync(path.join(root, 'proc'));
    const executable = execFileSync('sh', ['-c', `command -v ${qemu}`], { encoding: 'utf8' });
    fs.copyFileSync(executable.trim(), path.join(root, 'qemu'));
    execFileSync('mkfifo', ['-m', '622', `${root}.fifo`]);
  });

  after(() => {
    if (root === '') return;
    fs.rmSync(root, { recursive: true, force: true });
    fs.rmSync(`${root}.fifo`, { force: true });
  });

  it('runs hello as pid 1 with a name, a root and a user of its own once the fifo is read', () => {
    const { status, stdout, failure } = runProgram(foreign, containerProgram(root), {
      shell: `cat ${root}.fifo >${root}/answer & exec`,
    });
    expect(failure).to.equal(undefined);
    expect(status).to.equal(0);
    expect(stdout).to.match(/^I am process 1 on host box$/m);
    expect(fs.readFileSync(path.join(root, 'answer'), 'utf8')).to.equal('0');
  });

  it('names the call and the errno of a step that fails', () => {
    const { status, failure } = runProgram(foreign, containerProgram('/no/such/root'));
    expect(status).to.equal(1);
    expect(failure).to.include({ code: 'ENOENT' });
    expect(failure?.operation).to.include({ stage: 'change the root', property: 'root.path' });
  });
});

/** From the loader to `hello` in `root`; waits at `root`.fifo. */
function containerProgram(root: string): Program {
  const builder = new ProgramBuilder();
  const text = (value: string) => builder.string(value);
  const [pid, child] = [builder.register(), builder.label()];
  prologue(builder, { name: 'test:init', openFiles: { soft: 256n, hard: 256n } });
  builder.stage('create the namespaces').from('linux.namespaces');
  const namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC;
  builder.syscall('unshare', [namespaces]);
  builder.syscall('clone', [SIGCHLD, 0, 0, 0, 0], { result: pid });
  builder.branchEqual(pid, 0, child);
  endAsChild(builder, pid);

  builder.place(child).stage('start a session').syscall('setsid', []);
  builder.stage('change the root').from('root.path');
  builder.syscall('mount', [0, text('/'), 0, MS_REC | MS_PRIVATE, 0]);
  builder.syscall('mount', [text(root), text(root), 0, MS_BIND | MS_REC, 0]);
  builder.syscall('mount', [
    ...[text('proc'), text(`${root}/proc`), text('proc')],
    ...[MS_NOSUID | MS_NODEV | MS_NOEXEC, 0],
  ]);
  // Opened while it can be seen, and by both ends: an open of one end would wait here.
  const fifo = builder.register();
  const fifoFlags = openFlags.O_RDWR | openFlags.O_CLOEXEC;
  builder.syscall('openat', [AT_FDCWD, text(`${root}.fifo`), fifoFlags, 0], { result: fifo });
  builder.syscall('chdir', [text(root)]);
  builder.syscall('pivot_root', [text('.'), text('.')]);
  builder.syscall('umount2', [text('.'), umountFlags.MNT_DETACH]);
  builder.syscall('chdir', [text('/')]);
  builder.stage('set the names').syscall('sethostname', [text('box'), 3]);
  builder.stage('become the user').from('process.user');
  builder.syscall('prctl', [prctlOptions.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]);
  builder.syscall('setgroups', [0, 0]);
  builder.syscall('setresgid', [user, user, user]);
  builder.syscall('setresuid', [user, user, user]);
  builder.stage('wait for start');
  builder.syscall('write', [fifo, text('0'), 1], { demand: 1 });
  builder.syscall('close', [fifo]);
  builder.stage('execute').from('process.args');
  const argv = builder.pointers([text('qemu'), text('/hello'), null]);
  builder.syscall('execve', [text('/qemu'), argv, builder.pointers([null])]);
  return builder.build();
}
