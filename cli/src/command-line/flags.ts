/** Flags as docker's commands have them: declared as data, so that parsing, help and types come from one table. */

interface FlagBase {
  readonly usage: string;
  /** One letter, as in `-d`. */
  readonly short?: string;
  /** Understood, and left out of help: an old name. */
  readonly hidden?: boolean;
  /** What help shows as the default, in Go's spelling: `"all"`, `-1`, `map[]`. */
  readonly shownDefault?: string;
}

export interface BooleanFlag extends FlagBase {
  readonly kind: 'boolean';
  readonly default: boolean;
}

export interface TextFlag extends FlagBase {
  readonly kind: 'text';
  /** Shown in help in place of the value: `string`, `bytes`, `decimal`. */
  readonly valueName: string;
}

export interface ListFlag extends FlagBase {
  readonly kind: 'list';
  readonly valueName: string;
}

/** A flag of docker's that is known and not built: using it is an error that says so. */
export interface MissingFlag extends FlagBase {
  readonly kind: 'missing';
}

export type Flag = BooleanFlag | TextFlag | ListFlag | MissingFlag;
export type FlagTable = Readonly<Record<string, Flag>>;

/** What parsing a table gives: booleans always, texts when given, lists possibly empty. */
export type FlagValues<Table extends FlagTable> = {
  [
    Name in keyof Table as Table[Name] extends MissingFlag ? never : Name
  ]: Table[Name] extends BooleanFlag
    ? boolean
    : Table[Name] extends ListFlag
      ? string[]
      : string | undefined;
};

/** `--name`, `--name=false`. */
export function boolean(usage: string, short?: string, defaultValue = false): BooleanFlag {
  return { kind: 'boolean', usage, default: defaultValue, ...(short !== undefined && { short }) };
}

/** `--name value`, the last one counts. */
export function text(
  usage: string,
  short?: string,
  valueName = 'string',
  shownDefault?: string,
): TextFlag {
  return { kind: 'text', usage, valueName, ...optional(short, shownDefault) };
}

/** `--name value`, repeatable. */
export function list(
  usage: string,
  short?: string,
  valueName = 'list',
  shownDefault?: string,
): ListFlag {
  return { kind: 'list', usage, valueName, ...optional(short, shownDefault) };
}

/** `--format` of commands that print a table; without a table where `hasTable` is false. */
export function format(short?: string, hasTable = true): TextFlag {
  const table = [
    "'table':            Print output in table format with column headers (default)",
    "'table TEMPLATE':   Print output in table format using the given Go template",
  ];
  const usage = [
    'Format output using a custom template:',
    ...(hasTable ? table : []),
    "'json':             Print in JSON format",
    "'TEMPLATE':         Print output using the given Go template.",
    'Refer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates',
  ];
  return text(usage.join('\n'), short);
}

function optional(
  short: string | undefined,
  shownDefault: string | undefined,
): Pick<FlagBase, 'short' | 'shownDefault'> {
  return {
    ...(short !== undefined && { short }),
    ...(shownDefault !== undefined && { shownDefault }),
  };
}

/** Flags of docker's that we do not have yet. */
export function missing<Name extends string>(...names: Name[]): Record<Name, MissingFlag> {
  const flag: MissingFlag = { kind: 'missing', usage: 'not implemented yet' };
  return Object.fromEntries(names.map((name) => [name, flag])) as Record<Name, MissingFlag>;
}
