/**
 * containerd's filter language, as ctr, nerdctl and dockerd write it:
 *
 *   filter   = selector *( "," selector )              all must hold
 *   selector = path [ ( "==" | "!=" | "~=" ) value ]   without operator: the field is present
 *   path     = name *( "." name )                      a name may be "quoted"
 *
 * `~=` matches a regular expression anywhere in the field. Values may be quoted: "…" and '…' with escapes, and
 * after `~=` also |…| and /…/, inside which only the delimiter needs a backslash. Several filters match if any does.
 */
import { StackError } from '#spec/errors';
import { tokenize, type Token } from './tokens.ts';

/** The value of a field by path, undefined if the object has no such field. */
export type Fields = (path: readonly string[]) => string | undefined;

/** Whether an object passes. */
export type Filter = (fields: Fields) => boolean;

/** A filter that passes what any of `filters` passes, and everything where there are none. Throws invalid_argument. */
export function parseFilters(filters: readonly string[]): Filter {
  const alternatives = filters.map(parseFilter);
  if (alternatives.length === 0) return () => true;
  return (fields) => alternatives.some((matches) => matches(fields));
}

/** Throws invalid_argument that quotes the filter and says what is wrong. */
export function parseFilter(text: string): Filter {
  const tokens = tokenize(text);
  const selectors: Filter[] = [];
  let position = 0;
  const peek = () => tokens[position];
  const fail = (reason: string): never => {
    throw new StackError('invalid_argument', `filter "${text}": ${reason}`);
  };
  const name = (): string => {
    const token = tokens[position++];
    return token && (token.type === 'word' || token.type === 'quoted')
      ? token.text
      : fail('expected a field name');
  };
  if (text.trim() === '') return () => true;
  do {
    const path = [name()];
    while (peek()?.type === '.') {
      position++;
      path.push(name());
    }
    const operator = peek();
    if (operator?.type !== 'operator') {
      selectors.push((fields) => fields(path) !== undefined);
    } else {
      position++;
      const value = tokens[position++];
      if (!isValue(value)) return fail(`expected a value after ${operator.text}`);
      selectors.push(comparison(path, operator.text, value.text, fail));
    }
    if (position < tokens.length && peek()?.type !== ',') {
      fail(`unexpected "${peek()?.text ?? ''}"`);
    }
  } while (tokens[position++]?.type === ',');
  return (fields) => selectors.every((matches) => matches(fields));
}

function comparison(
  path: readonly string[],
  operator: string,
  value: string,
  fail: (reason: string) => never,
): Filter {
  if (operator === '==') return (fields) => fields(path) === value;
  if (operator === '!=') return (fields) => fields(path) !== value;
  let pattern: RegExp;
  try {
    pattern = new RegExp(value, 'u');
  } catch {
    return fail(`"${value}" is not a regular expression`);
  }
  return (fields) => {
    const field = fields(path);
    return field !== undefined && pattern.test(field);
  };
}

function isValue(token: Token | undefined): token is Token {
  return token?.type === 'word' || token?.type === 'quoted';
}

/** Fields of an object that has labels; `plain` holds its others by their dotted path. */
export function fieldsOf(
  plain: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): Fields {
  return (path) => {
    const source = path[0] === 'labels' ? labels : plain;
    const key = (path[0] === 'labels' ? path.slice(1) : path).join('.');
    return Object.hasOwn(source, key) ? source[key] : undefined;
  };
}
