/**
 * `delete`: cleans up after a shim that is gone, and prints how its container ended. containerd also calls it after
 * an orderly end, when nothing is left to do.
 */
import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '#spec/errors';
import { timestampNow } from '#proto/timestamp';
import { DeleteResponse } from '#proto/generated/containerd.task.v2';
import type { CommandLine } from '../command-line.ts';
import { openLog } from '../log.ts';
import { unmountRootfs } from '../rootfs.ts';
import { RuntimeCommand } from '../runtime-command.ts';
import { isAnswered } from '../socket-address.ts';
import { loadExit, loadState } from '../state.ts';

/** Killed by SIGKILL: what is true of a container whose shim could not say how it ended. */
const killed = 137;

export async function deleteContainer(line: CommandLine): Promise<void> {
  const bundle = line.bundle || process.cwd();
  const log = openLog(path.join(bundle, 'log'), line.debug, { id: line.id });
  const state = loadState(bundle);
  if (state) {
    try {
      await new RuntimeCommand(state.runtime, bundle).run('OCI runtime delete failed', {
        args: ['delete', '--force', line.id],
      });
    } catch (error) {
      log.warn(messageOf(error)); // the runtime had not come as far as making it
    }
  }
  unmountRootfs(path.join(bundle, 'rootfs'));
  await removeSocket(bundle);
  const exit = loadExit(bundle) ?? {
    pid: state?.init.pid ?? 0,
    exitStatus: killed,
    exitedAt: timestampNow(),
  };
  fs.writeSync(1, DeleteResponse.encode(exit));
}

/** The socket of a shim that is gone; one of a group may live on. */
async function removeSocket(bundle: string): Promise<void> {
  let socket: string;
  try {
    socket = fs.readFileSync(path.join(bundle, 'address'), 'utf8').replace('unix://', '');
  } catch {
    return; // the shim was not started
  }
  if (!(await isAnswered(socket))) fs.rmSync(socket, { force: true });
}
