/** `engine update` */
import { StackError } from '#spec/errors';
import { defineCommand, forEachName } from '../command-line/command.ts';
import { text } from '../command-line/flags.ts';
import { parseRestartPolicy, resources } from '../container/resources.ts';

export const update = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: {
    'blkio-weight': text(
      'Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)',
      undefined,
      'uint16',
    ),
    'cpu-period': text('Limit CPU CFS (Completely Fair Scheduler) period', undefined, 'int'),
    'cpu-quota': text('Limit CPU CFS (Completely Fair Scheduler) quota', undefined, 'int'),
    'cpu-rt-period': text('Limit the CPU real-time period in microseconds', undefined, 'int'),
    'cpu-rt-runtime': text('Limit the CPU real-time runtime in microseconds', undefined, 'int'),
    'cpu-shares': text('CPU shares (relative weight)', 'c', 'int'),
    cpus: text('Number of CPUs', undefined, 'decimal'),
    'cpuset-cpus': text('CPUs in which to allow execution (0-3, 0,1)'),
    'cpuset-mems': text('MEMs in which to allow execution (0-3, 0,1)'),
    memory: text('Memory limit', 'm', 'bytes'),
    'memory-reservation': text('Memory soft limit', undefined, 'bytes'),
    'memory-swap': text(
      'Swap limit equal to memory plus swap: -1 to enable unlimited swap',
      undefined,
      'bytes',
    ),
    'pids-limit': text('Tune container pids limit (set -1 for unlimited)', undefined, 'int'),
    restart: text('Restart policy to apply when a container exits'),
  },
  async run({ client }, values, names) {
    const { restart } = values;
    const body = {
      ...resources(values),
      RestartPolicy: restart === undefined ? undefined : parseRestartPolicy(restart),
    };
    if (Object.values(body).every((value) => value === undefined)) {
      throw new StackError(
        'invalid_argument',
        'you must provide one or more flags when using this command',
      );
    }
    const warnings: string[] = [];
    const status = await forEachName(names, async (name) => {
      const answer = await client.json<{ Warnings?: string[] | null }>(
        'POST',
        `/containers/${name}/update`,
        { body },
      );
      warnings.push(...(answer.Warnings ?? []));
      process.stdout.write(`${name}\n`);
    });
    process.stdout.write(warnings.map((warning) => `${warning}\n`).join(''));
    return status;
  },
});
