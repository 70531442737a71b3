/**
 * The part of Go's text/template that people use with `--format`: fields, `json`, `index`, `len`, `join`, `upper`,
 * `lower`, `println`, comparisons, `if`/`else`, `range`, `$`. Anything else is an error that names it.
 */
import { UsageError } from '../command-line/parse.ts';

type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; expression: string[] }
  | { kind: 'if' | 'range'; expression: string[]; body: Node[]; otherwise: Node[] };

/** A template ready to be used on many values. */
export type Template = (value: unknown) => string;

/** Throws {@link UsageError} for a template that cannot be parsed. */
export function compileTemplate(source: string): Template {
  const tokens = tokenize(source);
  const nodes = parseNodes(tokens, false);
  return (value) => render(nodes, value, value);
}

type Token = { text: string } | { action: string[] };

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < source.length) {
    const open = source.indexOf('{{', position);
    if (open < 0) break;
    const close = source.indexOf('}}', open);
    if (close < 0) throw new UsageError(`template parsing error: unclosed action in "${source}"`);
    tokens.push({ text: unescape(source.slice(position, open)) });
    const inner = source
      .slice(open + 2, close)
      .trim()
      .replace(/^- | -$/g, '');
    tokens.push({ action: splitWords(inner) });
    position = close + 2;
  }
  tokens.push({ text: unescape(source.slice(position)) });
  return tokens;
}

/** docker turns `\t` and `\n` of a template into the characters. */
function unescape(text: string): string {
  return text.replaceAll('\\t', '\t').replaceAll('\\n', '\n');
}

/** Words, quoted strings and parentheses. */
function splitWords(action: string): string[] {
  return action.match(/"(?:[^"\\]|\\.)*"|`[^`]*`|[()|]|[^\s()|]+/g) ?? [];
}

function parseNodes(tokens: Token[], inBlock: boolean): Node[] {
  const nodes: Node[] = [];
  for (let token = tokens.shift(); token; token = tokens.shift()) {
    if ('text' in token) {
      if (token.text !== '') nodes.push({ kind: 'text', text: token.text });
      continue;
    }
    const [word, ...expression] = token.action;
    if (word === 'end' || word === 'else') {
      if (!inBlock) throw new UsageError(`template parsing error: unexpected {{${word}}}`);
      tokens.unshift(token);
      return nodes;
    }
    if (word === 'if' || word === 'range') {
      const body = parseNodes(tokens, true);
      const closing = tokens.shift();
      const hasElse = closing !== undefined && 'action' in closing && closing.action[0] === 'else';
      const otherwise = hasElse ? parseNodes(tokens, true) : [];
      if (hasElse) tokens.shift();
      nodes.push({ kind: word, expression, body, otherwise });
    } else {
      nodes.push({ kind: 'print', expression: token.action });
    }
  }
  if (inBlock) throw new UsageError('template parsing error: unexpected EOF, {{end}} is missing');
  return nodes;
}

function render(nodes: readonly Node[], dot: unknown, root: unknown): string {
  return nodes
    .map((node) => {
      if (node.kind === 'text') return node.text;
      const value = evaluate(node.expression, dot, root);
      if (node.kind === 'print') return show(value);
      if (node.kind === 'if') return render(isTrue(value) ? node.body : node.otherwise, dot, root);
      const items = Array.isArray(value) ? value : Object.values(asRecord(value));
      if (items.length === 0) return render(node.otherwise, dot, root);
      return items.map((item) => render(node.body, item, root)).join('');
    })
    .join('');
}

/** A pipeline: `a | b x` is `b x a`. */
function evaluate(words: readonly string[], dot: unknown, root: unknown): unknown {
  const stages: string[][] = [[]];
  let depth = 0;
  for (const word of words) {
    if (word === '(') depth++;
    if (word === ')') depth--;
    if (word === '|' && depth === 0) stages.push([]);
    else stages.at(-1)?.push(word);
  }
  let piped: unknown[] = [];
  let value: unknown;
  for (const stage of stages) {
    value = call([...operands(stage, dot, root), ...piped]);
    piped = [value];
  }
  return value;
}

type Operand = { call: string } | { value: unknown };

function operands(words: readonly string[], dot: unknown, root: unknown): unknown[] {
  const result: unknown[] = [];
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '(') {
      const inner: string[] = [];
      for (let depth = 1; ;) {
        const next = rest.shift();
        if (next === undefined) throw new UsageError('template parsing error: unclosed left paren');
        if (next === '(') depth++;
        if (next === ')' && --depth === 0) break;
        inner.push(next);
      }
      const field = rest[0]?.startsWith('.') ? rest.shift() : undefined;
      const value = evaluate(inner, dot, root);
      result.push(field === undefined ? value : followPath(value, field));
    } else {
      result.push(operand(word, dot, root));
    }
  }
  return result;
}

function operand(word: string, dot: unknown, root: unknown): unknown {
  if (word === '.') return dot;
  if (word === '$') return root;
  if (word.startsWith('$.')) return followPath(root, word.slice(1));
  if (word.startsWith('.')) return followPath(dot, word);
  if (word.startsWith('"')) return JSON.parse(word) as unknown;
  if (word.startsWith('`')) return word.slice(1, -1);
  if (/^-?\d+$/.test(word)) return Number(word);
  if (word === 'true' || word === 'false') return word === 'true';
  if (Object.hasOwn(functions, word)) return { call: word } satisfies Operand;
  throw new UsageError(`template parsing error: function "${word}" not defined`);
}

const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value),
  index: (value, ...keys) => keys.reduce((inner, key) => asRecord(inner)[String(key)], value),
  len: (value) =>
    typeof value === 'string' || Array.isArray(value)
      ? value.length
      : Object.keys(asRecord(value)).length,
  join: (value, separator) =>
    Array.isArray(value) ? value.map(show).join(String(separator)) : show(value),
  split: (value, separator) => show(value).split(String(separator)),
  upper: (value) => show(value).toUpperCase(),
  lower: (value) => show(value).toLowerCase(),
  println: (...values) => `${values.map(show).join(' ')}\n`,
  print: (...values) => values.map(show).join(''),
  eq: (left, ...right) => right.some((value) => show(left) === show(value)),
  ne: (left, right) => show(left) !== show(right),
  not: (value) => !isTrue(value),
  and: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
};

function call([first, ...rest]: unknown[]): unknown {
  if (
    typeof first === 'object' &&
    first !== null &&
    'call' in first &&
    typeof first.call === 'string'
  ) {
    const named = Object.hasOwn(functions, first.call) ? functions[first.call] : undefined;
    if (named) return named(...rest);
  }
  return first;
}

function followPath(value: unknown, path: string): unknown {
  return path
    .split('.')
    .filter((name) => name !== '')
    .reduce<unknown>((inner, name) => {
      if (typeof inner !== 'object' || inner === null) return undefined;
      if (Object.hasOwn(inner, name)) return asRecord(inner)[name];
      throw new UsageError(`template: "${path}": can't evaluate field ${name}`);
    }, value);
}

/** Field access on whatever JSON gave; missing fields are undefined. */
function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** As Go prints values: maps as `map[a:1]`, lists as `[a b]`. */
function show(value: unknown): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value === 'object') {
    const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${pairs.map(([key, inner]) => `${key}:${show(inner)}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
