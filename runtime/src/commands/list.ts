/** `list`: all containers below the root. */
import fs from 'node:fs';
import { userInfo } from 'node:os';
import { StackError } from '#spec/errors';
import type { Command } from '../command-line/command.ts';
import { print } from '../command-line/output.ts';
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
      return {
        ...containerState(record, statusOf(record, store)),
        owner: ownerName(record.ownerUid),
      };
    });
    const format = flags.text('format') ?? 'table';
    if (format === 'json') print(`${JSON.stringify(states)}\n`);
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
      owner,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(narrowest, ...rows.map((row) => (row[column]?.length ?? 0) + gap)),
  );
  const line = (row: string[]) =>
    row.map((cell, column) => (column < row.length - 1 ? cell.padEnd(widths[column] ?? 0) : cell));
  return rows.map((row) => `${line(row).join('')}\n`).join('');
}

/** Width of a column and space behind its longest cell, as runc's table writer has them. */
const narrowest = 12;
const gap = 3;

/** By /etc/passwd; `#uid` for one that is not there. */
function ownerName(ownerUid: number): string {
  const { uid, username } = userInfo();
  if (uid === ownerUid) return username;
  const entry = readPasswd().find((line) => line.split(':')[2] === String(ownerUid));
  return entry?.split(':')[0] ?? `#${ownerUid}`;
}

function readPasswd(): string[] {
  try {
    return fs.readFileSync('/etc/passwd', 'utf8').split('\n');
  } catch {
    return []; // names are a courtesy
  }
}
