/** The mount calls that work on descriptors: clone a tree, make a file system, attach, change attributes. */
import { u64 } from '#lib/loader/data';
import type { Operand, Register } from '#lib/loader/program';
import type { CompileContext } from './context.ts';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
} from './kernel-constants.ts';
import type { MountOptions, Propagation } from './mount-options.ts';

/** A detached copy of the mount at a path of the host. */
export function cloneHostTree(
  context: CompileContext,
  source: string,
  recursive: boolean,
  result: Register,
): void {
  context.program.syscall(
    'open_tree',
    [
      AT_FDCWD,
      context.program.string(source),
      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0),
    ],
    { result },
  );
}

/** A detached copy of what `fd` refers to. */
export function cloneTree(
  context: CompileContext,
  fd: Register,
  recursive: boolean,
  result: Register,
): void {
  const flags =
    OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  context.program.syscall('open_tree', [fd, context.emptyPath(), flags], { result });
}

/** Attaches a detached tree on top of what `target` refers to. */
export function attach(context: CompileContext, tree: Operand, target: Register): void {
  context.program.syscall('move_mount', [
    tree,
    context.emptyPath(),
    target,
    context.emptyPath(),
    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
  ]);
}

export interface AttributeArguments {
  set?: number;
  clear?: number;
  /** MS_SHARED, … */
  propagation?: number;
  recursive?: boolean;
  /** Descriptor that goes with MOUNT_ATTR_IDMAP. */
  userNamespace?: number;
}

/** mount_setattr(2) on a descriptor. */
export function setAttributes(
  context: CompileContext,
  fd: Register,
  { set = 0, clear = 0, propagation = 0, recursive = false, userNamespace = 0 }: AttributeArguments,
): void {
  const { program } = context;
  const attributes = program.struct('mount_attr', {
    attr_set: u64(set),
    attr_clr: u64(clear),
    propagation: u64(propagation),
    userns_fd: u64(userNamespace),
  });
  const flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  program.syscall('mount_setattr', [fd, context.emptyPath(), flags, attributes, 32]);
}

/** Everything that options ask of a mount once it exists; only the bits that they name change. */
export function applyOptions(
  context: CompileContext,
  fd: Register,
  { attributes, recursiveAttributes, propagation }: MountOptions,
): void {
  if (attributes.set !== 0 || attributes.clear !== 0) setAttributes(context, fd, attributes);
  if (recursiveAttributes.set !== 0 || recursiveAttributes.clear !== 0) {
    setAttributes(context, fd, { ...recursiveAttributes, recursive: true });
  }
  applyPropagation(context, fd, propagation);
}

export function applyPropagation(
  context: CompileContext,
  fd: Register,
  propagation: readonly Propagation[],
): void {
  for (const { type, recursive } of propagation) {
    setAttributes(context, fd, { propagation: type, recursive });
  }
}

export interface FileSystemArguments {
  type: string;
  source?: string | undefined;
  /** `key=value` or `key`. */
  parameters?: readonly string[];
  /** MOUNT_ATTR_… */
  attributes?: number;
  /** Where to go on when the kernel refuses (EPERM). */
  refused?: ReturnType<CompileContext['program']['label']>;
}

/** Makes a file system and a detached mount of it. */
export function makeFileSystem(
  context: CompileContext,
  { type, source, parameters = [], attributes = 0, refused }: FileSystemArguments,
  result: Register,
): void {
  const { program } = context;
  const escape = refused && { onErrno: { errno: 'EPERM', goto: refused } };
  context.borrow((fs) => {
    program.syscall('fsopen', [program.string(type), FSOPEN_CLOEXEC], { result: fs, ...escape });
    const configure = (command: number, key: Operand, value: Operand) =>
      program.syscall('fsconfig', [fs, command, key, value, 0], { ...escape });
    if (source) configure(FSCONFIG_SET_STRING, program.string('source'), program.string(source));
    for (const parameter of parameters) {
      const equals = parameter.indexOf('=');
      if (equals < 0) configure(FSCONFIG_SET_FLAG, program.string(parameter), 0);
      else {
        const [key, value] = [parameter.slice(0, equals), parameter.slice(equals + 1)];
        configure(FSCONFIG_SET_STRING, program.string(key), program.string(value));
      }
    }
    configure(FSCONFIG_CMD_CREATE, 0, 0);
    program.syscall('fsmount', [fs, FSMOUNT_CLOEXEC, attributes], { result, ...escape });
    context.close(fs);
  });
}
