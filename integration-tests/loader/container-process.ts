/**
 * Run by loader.test.ts: starts `true` as pid 1 of fresh pid, mount, network, uts and ipc namespaces, with the
 * folder given as its root, and prints how it ended as JSON.
 */
import { u64 } from '#lib/loader/data';
import { ProgramBuilder } from '#lib/loader/program';
import { endAsChild, prologue } from '#lib/loader/sequences';
import { readFailure, startLoader } from '#lib/loader/spawn-loader';
import { cloneFlags, mountFlags, umountFlags } from '#lib/sys/flags';
import { waitPid } from '#lib/sys/posix-spawn';

const root = process.argv[2] ?? '/';
const { CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWUTS, CLONE_NEWIPC } = cloneFlags;
const SIGCHLD = 17;

const builder = new ProgramBuilder();
const text = (value: string) => builder.string(value);
prologue(builder, { name: 'test:init' });

builder.stage('make namespaces');
const [pid, child] = [builder.register(), builder.label()];
const args = builder.struct('clone_args', {
  flags: u64(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC),
  pidfd: u64(0),
  child_tid: u64(0),
  parent_tid: u64(0),
  exit_signal: u64(SIGCHLD),
  stack: u64(0),
  stack_size: u64(0),
  tls: u64(0),
});
builder.syscall('clone3', [args, args.size], { result: pid });
builder.branchEqual(pid, 0, child);
builder.stage('wait');
endAsChild(builder, pid);

builder.place(child).stage('change the root');
builder.syscall('mount', [0, text('/'), 0, mountFlags.MS_REC | mountFlags.MS_PRIVATE, 0]);
builder.syscall('mount', [text(root), text(root), 0, mountFlags.MS_BIND | mountFlags.MS_REC, 0]);
builder.syscall('mount', [text('proc'), text(`${root}/proc`), text('proc'), 0, 0]);
builder.syscall('sethostname', [text('box'), 3]);
builder.syscall('chdir', [text(root)]);
builder.syscall('pivot_root', [text('.'), text('.')]);
builder.syscall('umount2', [text('.'), umountFlags.MNT_DETACH]);
builder.syscall('chdir', [text('/')]);
builder.stage('execute');
const script = 'test $$ = 1 && test "$(hostname)" = box && exit 42';
const argv = ['sh', '-c', script].map(text);
builder.syscall('execve', [text('/bin/sh'), builder.pointers([...argv, null]), 0]);

const program = builder.build();
const loader = startLoader(program);
const status = waitPid(loader.pid);
const failure = readFailure(program, loader);
console.log(JSON.stringify({ ...status, failure: failure && [failure.index, failure.code] }));
