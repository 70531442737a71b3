/** A real containerd that takes our shim for runc's: the only way to make ctr hand our shim the name of a runtime. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import type { RealDockerOptions } from '../harness/real-docker.ts';
import { startRealContainerd, type Containerd } from './ctr-cell.ts';

export async function startWithRenamedShim(
  options: Pick<RealDockerOptions, 'prefix'> = {},
): Promise<Containerd> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shims-'));
  const shim = executablePath('containerd-shim-lite-v2');
  fs.symlinkSync(shim, path.join(folder, 'containerd-shim-runc-v2'));
  const containerd = await startRealContainerd({ ...options, shimFolders: [folder] });
  return {
    ...containerd,
    stop: async () => {
      await containerd.stop();
      fs.rmSync(folder, { recursive: true });
    },
  };
}
