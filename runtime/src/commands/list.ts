/** `list`: all containers below the root. */
import { userInfo } from 'node:os';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print, printJson } from '../command-line/output.ts';
import { StateStore } from '../container/state-store.ts';
import { containerState, statusOf, type ContainerState } from '../container/status.ts';

export const list: Command = {
  usage: 'list [flags]',
  description: 'list the containers',
  flags: {
    format: { kind: 'string', alias: 'f', help: 'table or json' },
    quiet: { kind: 'boolean', alias: 'q', help: 'ids only' },
  },
  minimumArguments: 0,
  maximumArguments: 0,
  run({ flags, root }) {
    const store = new StateStore(root);
    if (flags.has('quiet')) {
      print(
        store
          .list()
          .map((id) => `${id}\n`)
          .join(''),
      );
      return 0;
    }
    const states = store.list().map((id) => {
      const record = store.read(id);
      return containerState(record, statusOf(record, store));
    });
    const format = flags.text('format') ?? 'table';
    if (format === 'json') printJson(states);
    else if (format === 'table') print(table(states));
    else throw new StackError('invalid_argument', `invalid format option "${format}"`);
    return 0;
  },
};

function table(states: readonly ContainerState[]): string {
  const rows = [
    ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'],
    ...states.map(({ id, pid, status, bundle, created, owner }) => [
      id,
      String(pid),
      status,
      bundle,
      created,
      ownerName(owner),
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(11, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join(' ')
          .trimEnd()}\n`,
    )
    .join('');
}

function ownerName(owner: string): string {
  if (owner === '') return 'root';
  const { uid, username } = userInfo();
  return String(uid) === owner ? username : `#${owner}`;
}
