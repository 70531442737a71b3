/** Every command, and the groups that docker gives them (`container run` is `run`). */
import { pause, rename, restart, unpause } from '../commands/change.ts';
import { exec } from '../commands/exec.ts';
import { images, rmi } from '../commands/images.ts';
import { inspect } from '../commands/inspect.ts';
import { attach, kill, rm, start, stop, wait } from '../commands/lifecycle.ts';
import { logs } from '../commands/logs.ts';
import {
  networkConnect,
  networkCreate,
  networkDisconnect,
  networkInspect,
  networkList,
  networkPrune,
  networkRemove,
} from '../commands/network.ts';
import { port } from '../commands/port.ts';
import { ps } from '../commands/ps.ts';
import { pull } from '../commands/pull.ts';
import { create, run } from '../commands/run.ts';
import { info, version } from '../commands/system.ts';
import {
  volumeCreate,
  volumeInspect,
  volumeList,
  volumePrune,
  volumeRemove,
} from '../commands/volume.ts';
import type { Command } from './command.ts';

export const commands: readonly Command[] = [
  ...[restart, pause, unpause, rename],
  ...[run, exec, ps, port, logs, stop, start, kill, rm, wait, attach, create],
  ...[pull, images, rmi, inspect, info, version],
  ...[networkCreate, networkList, networkInspect, networkRemove],
  ...[networkConnect, networkDisconnect, networkPrune],
  ...[volumeCreate, volumeList, volumeInspect, volumeRemove, volumePrune],
];

const groups: Readonly<Record<string, Readonly<Record<string, Command>>>> = {
  container: {
    run,
    create,
    exec,
    ls: ps,
    list: ps,
    ps,
    logs,
    start,
    stop,
    kill,
    rm,
    wait,
    attach,
    restart,
    pause,
    unpause,
    rename,
    port,
    inspect,
  },
  image: { ls: images, list: images, pull, rm: rmi, inspect },
  system: { info },
  network: {
    create: networkCreate,
    ls: networkList,
    list: networkList,
    inspect: networkInspect,
    rm: networkRemove,
    remove: networkRemove,
    connect: networkConnect,
    disconnect: networkDisconnect,
    prune: networkPrune,
  },
  volume: {
    create: volumeCreate,
    ls: volumeList,
    list: volumeList,
    inspect: volumeInspect,
    rm: volumeRemove,
    remove: volumeRemove,
    prune: volumePrune,
  },
};

/** The command that `words` start with, and how many words name it. */
export function findCommand(
  words: readonly string[],
): { command: Command; consumed: number } | undefined {
  const [first = '', second = ''] = words;
  const group = Object.hasOwn(groups, first) ? groups[first] : undefined;
  if (group) {
    const command = Object.hasOwn(group, second) ? group[second] : undefined;
    return command && { command, consumed: 2 };
  }
  const command = commands.find(({ name }) => name === first);
  return command && { command, consumed: 1 };
}
