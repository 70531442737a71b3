/** Query parameters by the rules of docker's API: its booleans, its numbers, its filters. */
import { StackError } from '#spec/errors';

const falseValues = new Set(['', '0', 'no', 'false', 'none']);

export class Query {
  readonly #parameters: URLSearchParams;

  constructor(search: string) {
    this.#parameters = new URLSearchParams(search);
  }

  /** The first value, or `''` like an absent one in Go. */
  text(name: string): string {
    return this.#parameters.get(name) ?? '';
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** All values of a parameter that may be repeated. */
  all(name: string): string[] {
    return this.#parameters.getAll(name);
  }

  /** Any value except empty, 0, no, false and none counts as true. */
  boolean(name: string, absent = false): boolean {
    const value = this.#parameters.get(name);
    if (value === null) return absent;
    return !falseValues.has(value.trim().toLowerCase());
  }

  /** Throws invalid_argument for what is not an integer; undefined when absent or empty. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    if (!/^[+-]?\d+$/.test(value)) {
      throw new StackError(
        'invalid_argument',
        `query parameter "${name}" is not an integer: "${value}"`,
      );
    }
    return Number(value);
  }

  /** The `filters` parameter; keys outside `allowed` are refused. */
  filters(allowed: readonly string[]): Filters {
    return parseFilters(this.text('filters'), allowed);
  }
}

/** Filter values by key; values of one key are alternatives, keys are combined by and. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** Reads `{"key":{"value":true}}` and the older `{"key":["value"]}`. Throws invalid_argument for anything else. */
export function parseFilters(text: string, allowed: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  if (text === '') return filters;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new StackError('invalid_argument', `invalid filter: not JSON: ${text}`);
  }
  if (parsed === null) return filters;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new StackError('invalid_argument', `invalid filter: not an object: ${text}`);
  }
  for (const [key, values] of Object.entries(parsed)) {
    if (!allowed.includes(key)) {
      throw new StackError('invalid_argument', `invalid filter '${key}'`);
    }
    filters.set(key, filterValues(key, values));
  }
  return filters;
}

function filterValues(key: string, values: unknown): string[] {
  const list: unknown[] = Array.isArray(values)
    ? values
    : typeof values === 'object' && values !== null
      ? Object.entries(values)
          .filter(([, chosen]) => chosen === true)
          .map(([value]) => value)
      : [undefined];
  return list.map((value) => {
    if (typeof value === 'string') return value;
    throw new StackError('invalid_argument', `invalid filter '${key}': values are strings`);
  });
}

/** A filter that may be given once, as a boolean; undefined when it is absent. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (!values || values.length === 0) return undefined;
  const chosen = new Set(values.map((value) => value.toLowerCase()));
  const yes = chosen.has('true') || chosen.has('1');
  const no = chosen.has('false') || chosen.has('0');
  if (yes === no) {
    throw new StackError('invalid_argument', `invalid filter '${key}=[${values.join(' ')}]'`);
  }
  return yes;
}

/** Label filters: `key` (present) or `key=value`; all must hold. */
export function matchesLabels(
  labels: Readonly<Record<string, string>>,
  wanted: readonly string[] | undefined,
): boolean {
  return (wanted ?? []).every((expression) => {
    const separator = expression.indexOf('=');
    if (separator < 0) return expression in labels;
    return labels[expression.slice(0, separator)] === expression.slice(separator + 1);
  });
}
