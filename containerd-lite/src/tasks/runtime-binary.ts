/** Finds the shim that a runtime name stands for. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';

export interface RuntimeLookup {
  /** Runtimes that the configuration maps to a shim or to another runtime. */
  configured: Readonly<Record<string, string>>;
  /** Folder of our own executables. */
  binFolder: string;
  /** Value of PATH. */
  searchPath: string;
}

/**
 * Path of the shim of a runtime: an absolute path is taken as it is, `io.containerd.X.Y` stands for
 * `containerd-shim-X-Y` beside our own executables or else on PATH. Throws not_found, invalid_argument.
 */
export function resolveRuntime(name: string, lookup: RuntimeLookup): string {
  const runtime = lookup.configured[name] ?? name;
  if (path.isAbsolute(runtime)) return requireExecutable(runtime, name);
  const parts = /^(?:[A-Za-z0-9-]+\.)+([A-Za-z0-9-]+)\.([A-Za-z0-9-]+)$/.exec(runtime);
  if (!parts) {
    throw new StackError(
      'invalid_argument',
      `invalid runtime name "${runtime}": want io.containerd.<name>.<version> or an absolute path`,
    );
  }
  const binary = `containerd-shim-${parts[1] ?? ''}-${parts[2] ?? ''}`;
  const folders = [lookup.binFolder, ...lookup.searchPath.split(':')].filter((part) => part !== '');
  const found = folders.map((folder) => path.join(folder, binary)).find(isExecutable);
  if (found !== undefined) return found;
  throw new StackError(
    'not_found',
    `runtime "${name}" needs "${binary}", which is neither in ${lookup.binFolder} nor on PATH: not found`,
  );
}

function requireExecutable(file: string, name: string): string {
  if (isExecutable(file)) return file;
  throw new StackError('not_found', `runtime "${name}": no executable at ${file}: not found`);
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
