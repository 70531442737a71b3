/** Help texts in docker's layout. */
import { groupNames, type CatalogueEntry } from './catalogue.ts';
import type { Command } from './command.ts';
import { canonicalName } from './find-command.ts';
import type { Flag, FlagTable } from './flags.ts';
import { wrapText } from './wrap-text.ts';

/** What `engine run --help` prints; `name` is the command as it was called. */
export function commandHelp(entry: CatalogueEntry, name: string, command: Command): string {
  return [
    `Usage:  ${usageLine(name, command)}`,
    command.description ?? entry.summary,
    entry.names.length > 1
      ? `Aliases:\n  ${entry.names.map((alias) => `engine ${alias}`).join(', ')}`
      : '',
    flagHelp('Options', command.flags),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** `engine run [OPTIONS] IMAGE [COMMAND] [ARG...]` */
export function usageLine(name: string, { synopsis }: Command): string {
  return [`engine ${name}`, synopsis].join(' ').trim();
}

/** The commands that docker sets apart as common, in its order. */
const common = ['run', 'exec', 'ps', 'pull', 'push', 'images', 'login', 'logout', 'search'];
const commonAtEnd = ['version', 'info'];

/** `engine --help`. */
export function overallHelp(catalogue: readonly CatalogueEntry[], globalFlags: FlagTable): string {
  const summaries = new Map(
    catalogue.flatMap(({ names, summary }) =>
      names.filter((name) => !name.includes(' ')).map((name) => [name, summary] as const),
    ),
  );
  const first = [...common, ...commonAtEnd];
  const others = [...summaries.keys()].filter((name) => !first.includes(name)).sort();
  const rows = (names: readonly string[]): [string, string][] =>
    names.map((name) => [name, summaries.get(name) ?? '']);
  return [
    'Usage:  engine [OPTIONS] COMMAND',
    'A container engine you can see through',
    section('Common Commands', rows(first)),
    section('Management Commands', Object.entries(groupNames)),
    section('Commands', rows(others)),
    flagHelp('Global Options', globalFlags),
    "Run 'engine COMMAND --help' for more information on a command.",
  ]
    .join('\n\n')
    .concat('\n');
}

/** `engine container --help`. */
export function groupHelp(group: string, catalogue: readonly CatalogueEntry[]): string {
  const rows = catalogue.flatMap(({ names, summary, hidden }) =>
    (hidden ? [] : names)
      .filter((name) => name.startsWith(`${group} `) && canonicalName(names, name) === name)
      .map((name): [string, string] => [name.slice(group.length + 1), summary]),
  );
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    `Usage:  engine ${group} COMMAND`,
    groupNames[group] ?? '',
    section('Commands', rows),
    `Run 'engine ${group} COMMAND --help' for more information on a command.`,
  ]
    .join('\n\n')
    .concat('\n');
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  return `${title}:\n${rows.map(([name, words]) => `  ${name.padEnd(11)} ${words}`).join('\n')}`;
}

/** As wide as the terminal; 80 columns without one. */
function flagHelp(title: string, table: FlagTable): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => flag.kind !== 'missing' && flag.hidden !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const value = 'valueName' in flag ? ` ${flag.valueName}` : '';
      const left = `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${name}${value}`;
      return [left, `${flag.usage}${defaultOf(flag)}`] as const;
    });
  if (rows.length === 0) return '';
  const indent = Math.max(...rows.map(([left]) => left.length)) + 5;
  const columns = process.stdout.isTTY && process.stdout.columns > 0 ? process.stdout.columns : 80;
  const lines = rows.map(
    ([left, usage]) => `  ${left.padEnd(indent - 2)}${wrapText(usage, indent, columns - 1)}`,
  );
  return `${title}:\n${lines.join('\n')}`;
}

function defaultOf(flag: Flag): string {
  if (flag.kind === 'boolean') return flag.default ? ' (default true)' : '';
  return flag.shownDefault === undefined ? '' : ` (default ${flag.shownDefault})`;
}
