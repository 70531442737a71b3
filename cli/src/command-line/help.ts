/** Help texts in docker's layout. */
import type { Command } from './command.ts';
import type { FlagTable } from './flags.ts';

/** `engine run --help`. */
export function commandHelp(command: Command): string {
  return [
    `Usage:  engine ${command.name} ${command.synopsis}`,
    command.summary,
    flagHelp(command.flags),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
    .concat('\n');
}

/** `engine --help`. */
export function overallHelp(commands: readonly Command[], globalFlags: FlagTable): string {
  const rows = commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}`);
  return [
    'Usage:  engine [OPTIONS] COMMAND',
    'A container engine you can see through',
    `Commands:\n${rows.join('\n')}`,
    `Global ${flagHelp(globalFlags)}`,
    "Run 'engine COMMAND --help' for more information on a command.",
  ]
    .join('\n\n')
    .concat('\n');
}

function flagHelp(table: FlagTable): string {
  const rows = Object.entries(table)
    .filter(([, flag]) => flag.kind !== 'missing')
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, flag]) => {
      const value = flag.kind === 'text' || flag.kind === 'list' ? ` ${flag.valueName}` : '';
      return [`${flag.short ? `-${flag.short}, ` : '    '}--${name}${value}`, flag.usage] as const;
    });
  if (rows.length === 0) return '';
  const width = Math.max(...rows.map(([left]) => left.length)) + 3;
  return `Options:\n${rows.map(([left, usage]) => `  ${left.padEnd(width)}${usage}`).join('\n')}`;
}
