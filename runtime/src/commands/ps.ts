/** `ps`: the processes of a container, by ps(1) or as an array of pids. */
import { spawnSync } from 'node:child_process';
import { pids } from '#lib/cgroup/processes';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print } from '../command-line/output.ts';
import { checkContainerId } from '../container/container-id.ts';
import { StateStore } from '../container/state-store.ts';
import { recordedCgroup } from '../host/cgroups.ts';

export const ps: Command = {
  usage: 'ps [flags] <container-id> [ps options]',
  description: 'list the processes of a container',
  flags: { format: { kind: 'string', alias: 'f', help: 'table or json' } },
  minimumArguments: 1,
  maximumArguments: Infinity,
  run({ flags, root }) {
    const [id, ...options] = flags.positional;
    const record = new StateStore(root).read(checkContainerId(id));
    const cgroup = recordedCgroup(record.cgroupPath);
    const found = cgroup ? pids(cgroup) : [record.pid];
    const format = flags.text('format') ?? 'table';
    if (format === 'json') print(`${JSON.stringify(found)}\n`);
    else if (format === 'table') print(table(found, options.length > 0 ? options : ['-ef']));
    else throw new StackError('invalid_argument', `invalid format option "${format}"`);
    return 0;
  },
};

/** The lines of ps(1) that belong to the container. */
function table(found: readonly number[], options: readonly string[]): string {
  const { stdout, status, error } = spawnSync('ps', [...options], { encoding: 'utf8' });
  if (error || status !== 0) {
    throw new StackError(
      'unavailable',
      `cannot run ps: ${error?.message ?? `status ${status ?? -1}`}`,
    );
  }
  const [heading = '', ...lines] = stdout.split('\n');
  const column = heading.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new StackError('invalid_argument', "couldn't find PID field in ps output");
  const wanted = new Set(found.map(String));
  const chosen = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ''));
  return [heading, ...chosen].map((line) => `${line}\n`).join('');
}
