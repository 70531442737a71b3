/** The functions of Go's text/template and those that docker adds, and how Go prints and compares values. */
import { StackError } from '#spec/errors';

export type TemplateFunction = (...args: unknown[]) => unknown;

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => JSON.stringify(value ?? null),
  index: (value, ...keys) => keys.reduce(elementOf, value),
  len: (value) =>
    typeof value === 'string' || Array.isArray(value)
      ? value.length
      : Object.keys(asRecord(value)).length,
  slice: (value, from = 0, to) =>
    typeof value === 'string' || Array.isArray(value)
      ? value.slice(Number(from), to === undefined ? undefined : Number(to))
      : failed("can't slice an item of this type"),
  join: (value, separator) =>
    Array.isArray(value) ? value.map(show).join(show(separator)) : show(value),
  split: (value, separator) => show(value).split(show(separator)),
  upper: (value) => show(value).toUpperCase(),
  lower: (value) => show(value).toLowerCase(),
  title: (value) =>
    show(value).replace(/(^|[^\p{L}\p{N}'])(\p{L})/gu, (part) => part.toUpperCase()),
  pad: (value, before, after) =>
    show(value) === '' ? '' : ' '.repeat(Number(before)) + show(value) + ' '.repeat(Number(after)),
  truncate: (value, length) => show(value).slice(0, Number(length)),
  print: (...values) => values.map(show).join(''),
  println: (...values) => `${values.map(show).join(' ')}\n`,
  printf: (format, ...values) => printf(show(format), values),
  urlquery: (...values) => encodeURIComponent(values.map(show).join('')),
  eq: (left, ...right) => right.some((value) => show(left) === show(value)),
  ne: (left, right) => show(left) !== show(right),
  lt: (left, right) => compare(left, right) < 0,
  le: (left, right) => compare(left, right) <= 0,
  gt: (left, right) => compare(left, right) > 0,
  ge: (left, right) => compare(left, right) >= 0,
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
};

function failed(reason: string): never {
  throw new StackError('invalid_argument', `template: ${reason}`);
}

function elementOf(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const position = Number(key);
    if (!(position in value)) failed(`error calling index: index out of range: ${show(key)}`);
    return value[position] as unknown;
  }
  if (value === undefined || value === null) failed('error calling index: index of untyped nil');
  return asRecord(value)[String(key)];
}

function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [a, b] = [show(left), show(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `%s %v %d %q %t %f %x %%` with width, `-`, `0` and precision. */
function printf(format: string, values: readonly unknown[]): string {
  const rest = [...values];
  return format.replace(
    /%([-0+]*)(\d*)(?:\.(\d+))?([a-zA-Z%])/g,
    (_all, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const text = formatVerb(verb, rest.shift(), precision);
      const fill = flags.includes('0') && !flags.includes('-') ? '0' : ' ';
      return flags.includes('-') ? text.padEnd(Number(width)) : text.padStart(Number(width), fill);
    },
  );
}

function formatVerb(verb: string, value: unknown, precision: string | undefined): string {
  switch (verb) {
    case 's':
    case 'v':
      return show(value).slice(0, precision === undefined ? undefined : Number(precision));
    case 'd':
    case 't':
      return show(value);
    case 'q':
      return JSON.stringify(show(value));
    case 'f':
      return Number(value).toFixed(Number(precision ?? 6));
    case 'x':
      return typeof value === 'number'
        ? value.toString(16)
        : Buffer.from(show(value)).toString('hex');
    default:
      return failed(`printf: the verb %${verb} is not implemented`);
  }
}

/** Field access on whatever JSON gave. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** What `if` takes for true: anything but a zero or empty value. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** As Go prints values: maps as `map[a:1]`, lists as `[a b]`. */
export function show(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, inner]) => `${key}:${show(inner)}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
