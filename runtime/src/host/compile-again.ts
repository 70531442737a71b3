/** The program that a container was made by, compiled once more from what its state remembers. */
import { openCgroup } from '#lib/cgroup/cgroup';
import { detectCgroups } from '#lib/cgroup/layout';
import type { Program } from '#lib/loader/program';
import { messageOf, StackError } from '#spec/errors';
import { compileContainer } from '../compile/container-program.ts';
import type { ContainerRecord, StateStore } from '../container/state-store.ts';
import { noCgroup, placementOf } from './cgroups.ts';
import { seccompProgram } from './compile-options.ts';
import { gatherFacts } from './facts.ts';
import { announceListening } from './inherited-descriptors.ts';

/**
 * The same program as long as the host is what it was: throws conflict where a source of a mount is gone meanwhile,
 * and unimplemented for a container that was not made by a program (restored from a checkpoint).
 */
export function compileAgain(record: ContainerRecord, store: StateStore): Program {
  const { id, rootfs, config, cgroupPath, creation, home, noNewKeyring } = record;
  if (!creation) {
    throw new StackError('unimplemented', `container ${id} was not made by a program`);
  }
  const { listening, openFiles } = creation;
  try {
    const cgroup = cgroupPath === undefined ? undefined : openCgroup(detectCgroups(), cgroupPath);
    const seccomp = seccompProgram(config);
    return compileContainer({
      config: announceListening(config, listening),
      id,
      rootfs,
      facts: gatherFacts(config, cgroup ? placementOf(cgroup) : noCgroup),
      ...(creation.waits && { fifo: store.fifo(id) }),
      ...(creation.console && { console: { descriptor: 'console' } }),
      rootMount: store.rootMount(record.id),
      noPivot: creation.noPivot,
      noNewKeyring,
      preservedDescriptors: creation.preservedDescriptors,
      home,
      ...(seccomp && { seccomp }),
      ...(openFiles && {
        openFiles: { soft: BigInt(openFiles.soft), hard: BigInt(openFiles.hard) },
      }),
    });
  } catch (error) {
    throw new StackError(
      'conflict',
      `cannot compile the program of ${id} again: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
