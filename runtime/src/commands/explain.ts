/** `explain`: prints the program of system calls that a bundle compiles to. Starts nothing and changes nothing. */
import path from 'node:path';
import { openCgroup } from '#lib/cgroup/cgroup';
import { detectCgroups } from '#lib/cgroup/layout';
import { printProgram, programJson } from '#lib/loader/print';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print, printJson } from '../command-line/output.ts';
import { compileContainer } from '../compile/container-program.ts';
import { readBundle } from '../container/bundle.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { cgroupPath, noCgroup, placementOf } from '../host/cgroups.ts';
import { seccompProgram, warnOfMissing } from '../host/compile-options.ts';
import { gatherFacts, resolveSources } from '../host/facts.ts';

export const explain: Command = {
  usage: 'explain [flags] <bundle> | explain [flags] --running <container-id>',
  description: 'print the system calls that would make a container of a bundle, or that made one',
  flags: {
    running: {
      kind: 'string',
      help: 'name of a container: what made it, and what is seen of it now',
    },
    json: { kind: 'boolean', help: 'for tools' },
    id: { kind: 'string', help: 'as the name of the container; default: the name of the bundle' },
  },
  minimumArguments: 0,
  maximumArguments: 2,
  async run({ flags, root, log, systemdCgroup }) {
    const running = flags.text('running');
    const [bundle, late] = flags.positional;
    const json = flags.has('json') || late === '--json';
    if (running !== undefined && bundle === undefined) {
      const { explainRunning } = await import('./explain-running.ts');
      explainRunning(checkContainerId(running), new StateStore(root), { json });
      return 0;
    }
    if (running !== undefined || bundle === undefined) {
      throw new StackError('invalid_argument', '"explain" takes a bundle or --running');
    }
    const { directory, rootfs, config: written } = readBundle(bundle);
    const config = resolveSources(written, directory);
    const id = flags.text('id') ?? path.basename(directory);
    const group = systemdCgroup
      ? (await (await import('../host/systemd-unit.ts')).planUnit(config, id)).cgroupPath
      : cgroupPath(config, id);
    const placement =
      process.geteuid?.() === 0 ? placementOf(openCgroup(detectCgroups(), group)) : noCgroup;
    const facts = gatherFacts(config, placement);
    warnOfMissing(config, facts, (message) => log.warn(message));
    const seccomp = seccompProgram(config);
    const program = compileContainer({
      config,
      id,
      rootfs,
      facts,
      fifo: new StateStore(root).fifo(id),
      ...(config.process.terminal && { console: { socketPath: '/console.sock' } }),
      rootMount: new StateStore(root).rootMount(id),
      noPivot: false,
      noNewKeyring: false,
      preservedDescriptors: 0,
      home: '/',
      ...(seccomp && { seccomp }),
    });
    if (json) printJson(programJson(program));
    else print(printProgram(program));
    return 0;
  },
};
