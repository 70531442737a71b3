/** Where the five executables and what they share are installed: `bin/` beside `lib/`, wherever that folder was moved to. */
import path from 'node:path';

export type ExecutableName =
  'engine' | 'engined' | 'containerd-lite' | 'containerd-shim-lite-v2' | 'runtime';

/** The version that every executable reports. */
export const version = '0.1.0';

/** Folder that holds `bin/` and `lib/`. A process that runs from source (tests) finds the checkout's `dist/`. */
export function installationRoot(): string {
  const executableFolder = path.dirname(process.execPath);
  if (path.basename(executableFolder) === 'lib') return path.dirname(executableFolder);
  return path.resolve(import.meta.dirname, '../../../dist');
}

/** Absolute path of an executable of ours. */
export function executablePath(name: ExecutableName): string {
  return path.join(installationRoot(), 'bin', name);
}

/** Absolute path of the bundle that a worker thread starts from. */
export function workerPath(
  name: 'engined-kernel-worker' | 'engined-rootfs-worker' | 'containerd-lite-worker',
): string {
  return path.join(installationRoot(), 'lib', `${name}.js`);
}

/** Absolute path of the init that containers get with `--init`. */
export function containerInitPath(): string {
  return path.join(installationRoot(), 'lib', 'docker-init');
}
