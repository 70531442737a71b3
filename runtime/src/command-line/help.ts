/** What --help prints. */
import type { Command } from './command.ts';
import type { FlagSpecs } from './flags.ts';

export function globalHelp(verbs: readonly string[], flags: FlagSpecs): string {
  return `runtime - runs OCI bundles

usage: runtime [global flags] <command> [flags] [arguments]

commands: ${verbs.join(' ')}

global flags:
${flagTable(flags)}
`;
}

export function commandHelp({ usage, description, flags }: Command): string {
  const table = Object.keys(flags).length > 0 ? `\nflags:\n${flagTable(flags)}\n` : '';
  return `usage: runtime ${usage}\n\n${description}\n${table}`;
}

function flagTable(flags: FlagSpecs): string {
  return Object.entries(flags)
    .map(([name, { alias, kind, help }]) => {
      const names = `--${name}${alias ? `, -${alias}` : ''}${kind === 'boolean' ? '' : ' value'}`;
      return `  ${names.padEnd(28)} ${help}`;
    })
    .join('\n');
}
