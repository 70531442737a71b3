/** Parses arguments the way docker's do (Go's pflag): `-it`, `-eA=b`, `--name=x`, `--rm=false`, `--`. */
import type { Flag, FlagTable, FlagValues } from './flags.ts';

/** A command line that cannot be understood; the command is not run. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** Known by its name: each part of the executable has a class of its own. */
export function isUsageError(error: unknown): error is UsageError {
  return error instanceof Error && ['UsageError', 'ArgumentCountError'].includes(error.name);
}

/** Too many or too few positional arguments: docker ends with 1 for these and with 125 for the rest. */
export class ArgumentCountError extends UsageError {
  override readonly name = 'ArgumentCountError';
}

export interface ParsedArguments<Table extends FlagTable> {
  values: FlagValues<Table>;
  positional: string[];
}

export interface ParseOptions {
  /** Whether flags may follow positional arguments; false where those are another program's (`run`, `exec`). */
  interspersed: boolean;
}

/** Throws {@link UsageError} with docker's words for unknown flags, missing and bad values. */
export function parseArguments<Table extends FlagTable>(
  table: Table,
  args: readonly string[],
  { interspersed }: ParseOptions,
): ParsedArguments<Table> {
  const values = new Map<string, boolean | string | string[]>();
  for (const [name, flag] of Object.entries(table)) {
    if (flag.kind === 'boolean') values.set(name, flag.default);
    if (flag.kind === 'list') values.set(name, []);
  }
  const positional: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === '--') {
      positional.push(...rest);
      break;
    }
    if (argument.startsWith('--')) {
      const [name, given] = splitOnce(argument.slice(2), '=');
      take(name, `--${name}`, find(table, name, argument), given, rest);
    } else if (argument.startsWith('-') && argument !== '-') {
      takeShort(argument.slice(1));
    } else {
      positional.push(argument);
      if (!interspersed) {
        positional.push(...rest);
        break;
      }
    }
  }
  return { values: Object.fromEntries(values) as FlagValues<Table>, positional };

  /** `-itd`, `-e A=b`, `-eA=b`, `-e=A=b`: letters are booleans until one takes the rest as its value. */
  function takeShort(letters: string): void {
    for (let index = 0; index < letters.length; index++) {
      const letter = letters.charAt(index);
      const [name, flag] = findShort(table, letter, letters);
      const following = letters.slice(index + 1);
      if (flag.kind === 'boolean' && !following.startsWith('=')) {
        values.set(name, true);
        continue;
      }
      const given = following === '' ? undefined : following.replace(/^=/, '');
      take(name, `-${letter}`, flag, given, rest);
      return;
    }
  }

  function take(
    name: string,
    shown: string,
    flag: Flag,
    given: string | undefined,
    following: string[],
  ): void {
    switch (flag.kind) {
      case 'missing':
        throw new UsageError(`flag ${shown} is not implemented yet`);
      case 'boolean':
        values.set(name, given === undefined ? true : parseBoolean(given, flagWords(name, flag)));
        return;
      case 'text':
      case 'list': {
        const value = given ?? following.shift();
        if (value === undefined) throw missingValue(shown);
        const earlier = values.get(name);
        values.set(name, Array.isArray(earlier) ? [...earlier, value] : value);
      }
    }
  }
}

/** pflag's words: `flag needs an argument: --name`, `flag needs an argument: 'n' in -n`. */
function missingValue(shown: string): UsageError {
  const letter = shown.startsWith('--') ? shown : `'${shown.slice(1)}' in ${shown}`;
  return new UsageError(`flag needs an argument: ${letter}`);
}

function find(table: FlagTable, name: string, argument: string): Flag {
  const flag = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!flag) throw new UsageError(`unknown flag: ${splitOnce(argument, '=')[0]}`);
  return flag;
}

function findShort(table: FlagTable, letter: string, letters: string): [string, Flag] {
  const found = Object.entries(table).find(([, flag]) => flag.short === letter);
  if (!found) throw new UsageError(`unknown shorthand flag: '${letter}' in -${letters}`);
  return found;
}

/** Go's strconv.ParseBool. */
function parseBoolean(value: string, shown: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new UsageError(
    `invalid argument "${value}" for "${shown}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`,
  );
}

/** A flag as errors name it: `-t, --tty`. */
function flagWords(name: string, { short }: Flag): string {
  return short === undefined ? `--${name}` : `-${short}, --${name}`;
}

/** `a=b=c` as `a` and `b=c`; the second is undefined without a separator. */
export function splitOnce(value: string, separator: string): [string, string | undefined] {
  const index = value.indexOf(separator);
  return index < 0
    ? [value, undefined]
    : [value.slice(0, index), value.slice(index + separator.length)];
}

/** `a=b` entries as an object. An entry without the separator has an empty value; of equal keys the last one counts. */
export function keyValues(entries: readonly string[], separator = '='): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [key, value = ''] = splitOnce(entry, separator);
      return [key, value];
    }),
  );
}

/** Values that may hold several, with commas between them: pflag's `strings`. */
export function commaSeparated(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(','));
}
