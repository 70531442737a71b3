/** `linux.readonlyPaths` and `linux.maskedPaths`. */
import type { Register } from '#lib/loader/program';
import type { CompileContext } from './context.ts';
import type { CompileInput } from './input.ts';
import {
  AT_EMPTY_PATH,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  O_NOFOLLOW,
  S_IFCHR,
  S_IFMT,
  STATX_BASIC_STATS,
  statxOffset,
} from './kernel-constants.ts';
import { attach, cloneTree, makeFileSystem, setAttributes } from './mount-calls.ts';
import { openInRoot } from './paths.ts';

/** Covers each path by itself, read-only. A path that is not there needs no protection. */
export function protectReadonlyPaths(
  context: CompileContext,
  root: Register,
  { config }: CompileInput,
): void {
  const { program } = context;
  (config.linux?.readonlyPaths ?? []).forEach((path, index) => {
    program.stage(`make ${path} read-only`).from(`linux.readonlyPaths[${index}]`);
    const missing = program.label();
    context.borrow((target) => {
      openInRoot(context, root, path, target, { missing });
      context.borrow((tree) => {
        cloneTree(context, target, true, tree);
        setAttributes(context, tree, { set: MOUNT_ATTR_RDONLY });
        attach(context, tree, target);
        context.close(tree);
      });
      context.close(target);
    });
    program.place(missing);
  });
}

/** Covers a file by /dev/null and a directory by an empty read-only tmpfs. */
export function maskPaths(context: CompileContext, root: Register, { config }: CompileInput): void {
  const { program } = context;
  const paths = config.linux?.maskedPaths ?? [];
  if (paths.length === 0) return;
  context.borrow((devNull) => {
    openVerifiedNull(context, root, devNull);
    paths.forEach((path, index) => {
      program.stage(`mask ${path}`).from(`linux.maskedPaths[${index}]`);
      const missing = program.label();
      context.borrow((target) => {
        openInRoot(context, root, path, target, { missing });
        context.borrow((tree) => {
          const directory = program.label();
          const covered = program.label();
          cloneTree(context, devNull, false, tree);
          const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
          program.syscall(
            'move_mount',
            [tree, context.emptyPath(), target, context.emptyPath(), flags],
            // What mount(2) answers with ENOTDIR, a file on a directory, is EINVAL here.
            { onErrno: { errno: 'EINVAL', goto: directory } },
          );
          program.jump(covered);
          program.place(directory);
          context.close(tree);
          makeFileSystem(context, { type: 'tmpfs', attributes: MOUNT_ATTR_RDONLY }, tree);
          attach(context, tree, target);
          program.place(covered);
          context.close(tree);
        });
        context.close(target);
      });
      program.place(missing);
    });
    context.close(devNull);
  });
}

/** What covers files must be the null device itself, not what an image put in its place (CVE-2025-31133). */
function openVerifiedNull(context: CompileContext, root: Register, devNull: Register): void {
  const { program } = context;
  program.stage('find the null device').from('linux.maskedPaths');
  openInRoot(context, root, '/dev/null', devNull, { flags: O_NOFOLLOW, noSymlinks: true });
  const status = context.scratch();
  program.syscall('statx', [
    devNull,
    context.emptyPath(),
    AT_EMPTY_PATH,
    STATX_BASIC_STATS,
    status,
  ]);
  context.borrow((value) => {
    const wrong = program.label();
    const right = program.label();
    const character = program.label();
    const major = program.label();
    program.load(value, status, statxOffset.mode, 32);
    program.branchMasked(value, S_IFMT, S_IFCHR, character).jump(wrong);
    program.place(character).load(value, status, statxOffset.rdevMajor, 32);
    program.branchEqual(value, 1, major).jump(wrong);
    program.place(major).load(value, status, statxOffset.rdevMinor, 32);
    program.branchEqual(value, 3, right);
    program.place(wrong).stage('/dev/null is not the null device').from('linux.maskedPaths');
    program.fail('ENODEV');
    program.place(right);
  });
}
