/**
 * Places inside the container's root. Each is reached from the root's descriptor by openat2 with RESOLVE_IN_ROOT, so
 * that no symbolic link in the image, and none that appears meanwhile, leads outside; what is missing is made one
 * component at a time on the descriptor of its parent (CVE-2021-30465, CVE-2024-45310).
 */
import path from 'node:path';
import type { Register } from '#lib/loader/program';
import type { CompileContext } from './context.ts';
import {
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFREG,
} from './kernel-constants.ts';

/** openat2 gives up with EAGAIN when something is renamed meanwhile. */
const racingRename = { errno: 'EAGAIN', times: 32 } as const;

export interface OpenInRootOptions {
  /** Besides O_PATH; default none. */
  readonly flags?: number;
  /** Refuse every symbolic link on the way. */
  readonly noSymlinks?: boolean;
  /** Where to go on when the path does not exist. */
  readonly missing?: ReturnType<CompileContext['program']['label']>;
}

/** Absolute in the container, without `.`, `..` and double slashes, as components. */
export function componentsOf(destination: string): string[] {
  return path.posix
    .normalize(`/${destination}`)
    .split('/')
    .filter((component) => component !== '');
}

/** Opens `destination` below `root` with O_PATH. */
export function openInRoot(
  context: CompileContext,
  root: Register,
  destination: string,
  result: Register,
  { flags = 0, noSymlinks = false, missing }: OpenInRootOptions = {},
): void {
  const { program } = context;
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (noSymlinks ? RESOLVE_NO_SYMLINKS : 0);
  const relative = componentsOf(destination).join('/') || '.';
  program.syscall(
    'openat2',
    [root, program.string(relative), context.openHow(O_PATH | flags, resolve), openHowSize],
    {
      result,
      retry: racingRename,
      ...(missing && {
        onErrno: [
          { errno: 'ENOENT', goto: missing },
          { errno: 'ENOTDIR', goto: missing },
        ],
      }),
    },
  );
}

const openHowSize = 24;

/** What a missing last component becomes. */
export type Made = 'directory' | 'file';

/** Opens `destination` below `root`; what is missing of it is made: directories 0755, a file 0644 and empty. */
export function openOrMake(
  context: CompileContext,
  root: Register,
  destination: string,
  result: Register,
  made: Made = 'directory',
): void {
  const { program } = context;
  const components = componentsOf(destination);
  const have = program.label();
  if (components.length > 0) {
    const missing = program.label();
    openInRoot(context, root, destination, result, { missing });
    program.jump(have);
    program.place(missing);
    context.borrow((parent) => {
      openInRoot(context, root, '/', parent, { flags: O_DIRECTORY });
      components.forEach((component, index) => {
        const prefix = components.slice(0, index + 1).join('/');
        const last = index === components.length - 1;
        makeOne(context, parent, component, last ? made : 'directory');
        context.close(parent);
        const directory = !last || made === 'directory';
        openInRoot(context, root, prefix, last ? result : parent, {
          flags: directory ? O_DIRECTORY : 0,
        });
      });
    });
  } else {
    openInRoot(context, root, '/', result);
  }
  program.place(have);
}

/** Makes one component on its parent's descriptor; it may exist already. */
function makeOne(context: CompileContext, parent: Register, name: string, made: Made): void {
  const { program } = context;
  const exists = program.label();
  if (made === 'directory') {
    program.syscall('mkdirat', [parent, program.string(name), 0o755], {
      onErrno: [
        { errno: 'EEXIST', goto: exists },
        { errno: 'EROFS', goto: exists },
      ],
    });
  } else {
    program.syscall('mknodat', [parent, program.string(name), S_IFREG | 0o644, 0], {
      onErrno: { errno: 'EEXIST', goto: exists },
    });
  }
  program.place(exists);
}

/** Opens the directory that holds `destination`, making what is missing, and names the last component. */
export function openParent(
  context: CompileContext,
  root: Register,
  destination: string,
  result: Register,
): string {
  const components = componentsOf(destination);
  openOrMake(context, root, components.slice(0, -1).join('/'), result);
  return components.at(-1) ?? '.';
}
