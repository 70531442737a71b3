/** A further process in a running container. */
import fs from 'node:fs';
import path from 'node:path';
import type { ContainerProcess } from './container-process.ts';
import type { ProcessLauncher } from './process-launcher.ts';
import type { ContainerState } from './state.ts';

/** Runs `runtime exec`. Throws what the runtime reports; nothing stays open then. */
export async function launchExec(
  launcher: ProcessLauncher,
  process: ContainerProcess,
  { id, bundle }: ContainerState,
): Promise<void> {
  const { execId, spec = '' } = process.state;
  const specFile = path.join(bundle, `${execId}.process.json`);
  const pidFile = path.join(bundle, `${execId}.pid`);
  fs.writeFileSync(specFile, spec, { mode: 0o600 });
  try {
    await launcher.launch(process, pidFile, 'OCI runtime exec failed', (more) => [
      'exec',
      ...['--process', specFile, '--detach', '--pid-file', pidFile],
      ...more,
      id,
    ]);
  } catch (error) {
    process.stdio?.close();
    process.stdio = undefined;
    throw error;
  } finally {
    fs.rmSync(specFile, { force: true });
    fs.rmSync(pidFile, { force: true });
  }
}
