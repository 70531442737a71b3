/**
 * The part of TOML that containerd's configuration files use: tables, bare, quoted and dotted keys, strings on one
 * line, integers, booleans, and arrays of those. Anything else is an error that names the line.
 */
import { StackError } from '#spec/errors';

export type TomlValue = string | number | boolean | TomlValue[] | TomlTable;
export interface TomlTable {
  [key: string]: TomlValue;
}

/** Throws invalid_argument with the line number. */
export function parseToml(text: string): TomlTable {
  const root = newTable();
  let table = root;
  const seen = new Set<string>();
  for (const [index, line] of text.split('\n').entries()) {
    const reader = new LineReader(line, index + 1);
    if (reader.atEnd()) continue;
    if (reader.take('[')) {
      if (reader.take('[')) reader.fail('arrays of tables are not supported');
      const path = reader.keyPath();
      if (!reader.take(']')) reader.fail('expected ]');
      const name = JSON.stringify(path);
      if (seen.has(name)) reader.fail(`table ${path.join('.')} is there twice`);
      seen.add(name);
      table = descend(root, path, reader);
    } else {
      const path = reader.keyPath();
      const key = path.pop() ?? '';
      if (!reader.take('=')) reader.fail('expected =');
      const target = descend(table, path, reader);
      if (Object.hasOwn(target, key)) reader.fail(`key "${key}" is there twice`);
      target[key] = reader.value();
    }
    if (!reader.atEnd()) reader.fail('unexpected text at the end');
  }
  return root;
}

/** Without a prototype: keys come from outside. */
function newTable(): TomlTable {
  return Object.create(null) as TomlTable;
}

function descend(start: TomlTable, path: readonly string[], reader: LineReader): TomlTable {
  let table = start;
  for (const key of path) {
    const next = (table[key] ??= newTable());
    if (typeof next !== 'object' || Array.isArray(next)) {
      return reader.fail(`"${key}" is a value, not a table`);
    }
    table = next;
  }
  return table;
}

class LineReader {
  #rest: string;
  readonly #line: number;

  constructor(text: string, line: number) {
    this.#rest = text;
    this.#line = line;
  }

  fail(reason: string): never {
    throw new StackError('invalid_argument', `line ${this.#line}: ${reason}`);
  }

  /** Whether only white space and a comment are left. */
  atEnd(): boolean {
    return /^\s*(?:#.*)?$/.test(this.#rest);
  }

  take(text: string): boolean {
    this.#rest = this.#rest.trimStart();
    if (!this.#rest.startsWith(text)) return false;
    this.#rest = this.#rest.slice(text.length);
    return true;
  }

  keyPath(): string[] {
    const path: string[] = [];
    do path.push(this.#string() ?? this.#match(/^[A-Za-z0-9_-]+/) ?? this.fail('expected a key'));
    while (this.take('.'));
    return path;
  }

  value(): TomlValue {
    const text = this.#string();
    if (text !== undefined) return text;
    if (this.take('[')) return this.#array();
    const word = this.#match(/^[^\s,\]#]+/) ?? this.fail('expected a value');
    if (word === 'true' || word === 'false') return word === 'true';
    if (/^[+-]?\d+(?:_\d+)*$/.test(word)) return Number(word.replaceAll('_', ''));
    return this.fail(`"${word}" is not a string, an integer, true, false or an array of those`);
  }

  #array(): TomlValue[] {
    const values: TomlValue[] = [];
    while (!this.take(']')) {
      values.push(this.value());
      if (this.take(',')) continue;
      if (!this.take(']')) this.fail('expected , or ] in the array, on the same line');
      break;
    }
    return values;
  }

  #string(): string | undefined {
    const literal = this.#match(/^'[^']*'/);
    if (literal !== undefined) return literal.slice(1, -1);
    const basic = this.#match(/^"(?:[^"\\]|\\.)*"/);
    if (basic === undefined) return undefined;
    try {
      return JSON.parse(basic) as string; // JSON's escapes are TOML's, but for \U and \e
    } catch {
      return this.fail(`bad escape in ${basic}`);
    }
  }

  #match(pattern: RegExp): string | undefined {
    this.#rest = this.#rest.trimStart();
    const [match] = pattern.exec(this.#rest) ?? [];
    if (match !== undefined) this.#rest = this.#rest.slice(match.length);
    return match;
  }
}
