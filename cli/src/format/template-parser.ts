/** Reads the part of Go's text/template that `--format` is written in: a tree of texts, actions and blocks. */
import { StackError } from '#spec/errors';
import { splitAction, type Word } from './template-words.ts';

export type Operand =
  | { kind: 'value'; value: string | number | boolean | null }
  /** `.`, `$` or `$name`, before its fields. */
  | { kind: 'dot' }
  | { kind: 'variable'; name: string }
  | { kind: 'function'; name: string }
  | { kind: 'pipeline'; pipeline: Pipeline };

/** An operand and the fields asked of it: `(index .Mounts 0).Source`. */
export interface Term {
  operand: Operand;
  fields: readonly string[];
}

/** `a | b x`: each command's result is the last argument of the next. */
export interface Pipeline {
  commands: readonly (readonly Term[])[];
  /** Variables that get the result: one, or key and value of a range. */
  variables: readonly string[];
}

export interface Block {
  kind: 'if' | 'with' | 'range';
  pipeline: Pipeline;
  body: readonly Node[];
  /** What `else` says. */
  otherwise: readonly Node[];
}

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'print'; pipeline: Pipeline }
  | { kind: 'break' | 'continue' }
  | Block;

/** Throws invalid_argument for a template that cannot be parsed. */
export function parseTemplate(source: string): Node[] {
  return new TemplateParser(splitPieces(source)).parse();
}

export function parsingError(reason: string): StackError {
  return new StackError('invalid_argument', `template parsing error: ${reason}`);
}

type Piece = { text: string } | { words: Word[] };

/** `{{- ` and ` -}}` take the white space beside them away; `{{/* … *​/}}` is a comment. */
function splitPieces(source: string): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  let trimNext = false;
  const addText = (end: number, trimEnd: boolean): void => {
    let text = source.slice(position, end);
    if (trimNext) text = text.trimStart();
    if (trimEnd) text = text.trimEnd();
    if (text !== '') pieces.push({ text });
  };
  for (;;) {
    const open = source.indexOf('{{', position);
    if (open < 0) break;
    const close = source.indexOf('}}', open);
    if (close < 0) throw parsingError(`unclosed action in "${source}"`);
    const inner = source.slice(open + 2, close);
    addText(open, /^-\s/.test(inner));
    trimNext = /\s-$/.test(inner);
    const action = inner.replace(/^-\s/, '').replace(/\s-$/, '').trim();
    if (!/^\/\*.*\*\/$/s.test(action)) pieces.push({ words: splitAction(action) });
    position = close + 2;
  }
  addText(source.length, false);
  return pieces;
}

class TemplateParser {
  readonly #pieces: Piece[];

  constructor(pieces: Piece[]) {
    this.#pieces = pieces;
  }

  parse(): Node[] {
    const nodes = this.#nodes();
    const [rest] = this.#pieces;
    if (rest && 'words' in rest) throw parsingError(`unexpected {{${rest.words[0]?.text ?? ''}}}`);
    return nodes;
  }

  /** Up to an `end` or `else`, which is left. */
  #nodes(): Node[] {
    const nodes: Node[] = [];
    for (let piece = this.#pieces[0]; piece; piece = this.#pieces[0]) {
      if ('text' in piece) {
        nodes.push({ kind: 'text', text: piece.text });
        this.#pieces.shift();
        continue;
      }
      const [first] = piece.words;
      if (!first) throw parsingError('missing value for command');
      if (first.text === 'end' || first.text === 'else') return nodes;
      this.#pieces.shift();
      nodes.push(this.#action(first.text, piece.words));
    }
    return nodes;
  }

  #action(word: string, words: readonly Word[]): Node {
    if (word === 'if' || word === 'with' || word === 'range') {
      return this.#block(word, words.slice(1));
    }
    if (word === 'break' || word === 'continue') return { kind: word };
    if (['define', 'template', 'block'].includes(word)) {
      throw parsingError(`{{${word}}} is not implemented`);
    }
    return { kind: 'print', pipeline: parsePipeline(words) };
  }

  #block(kind: 'if' | 'with' | 'range', words: readonly Word[]): Node {
    const pipeline = parsePipeline(words);
    const body = this.#nodes();
    const closing = this.#pieces.shift();
    if (!closing || !('words' in closing)) {
      throw parsingError('unexpected EOF, {{end}} is missing');
    }
    if (closing.words[0]?.text === 'end') return { kind, pipeline, body, otherwise: [] };
    const [, chained] = closing.words;
    if (chained && (chained.text === 'if' || chained.text === 'with')) {
      // `else if` shares its `end` with what it belongs to.
      return {
        kind,
        pipeline,
        body,
        otherwise: [this.#block(chained.text, closing.words.slice(2))],
      };
    }
    const otherwise = this.#nodes();
    if (!this.#pieces.shift()) throw parsingError('unexpected EOF, {{end}} is missing');
    return { kind, pipeline, body, otherwise };
  }
}

function parsePipeline(words: readonly Word[]): Pipeline {
  const rest = [...words];
  const variables = takeVariables(rest);
  const commands: Term[][] = [[]];
  for (let word = rest.shift(); word; word = rest.shift()) {
    if (word.text === '|') commands.push([]);
    else commands.at(-1)?.push(parseTerm(word, rest));
  }
  if (commands.some((command) => command.length === 0)) {
    throw parsingError('missing value for command');
  }
  return { commands, variables };
}

/** `$x :=`, `$x =`, `$key, $value :=`; takes them from `words`. */
function takeVariables(words: Word[]): string[] {
  const sign = words.findIndex(({ text }) => text === ':=' || text === '=');
  if (sign < 0) return [];
  return words
    .splice(0, sign + 1)
    .filter(({ text }) => text.startsWith('$'))
    .map(({ text }) => text);
}

function parseTerm(word: Word, rest: Word[]): Term {
  if (word.text === '(') {
    const inner: Word[] = [];
    for (let depth = 1; ;) {
      const next = rest.shift();
      if (!next) throw parsingError('unclosed left paren');
      if (next.text === '(') depth++;
      if (next.text === ')' && --depth === 0) break;
      inner.push(next);
    }
    const operand: Operand = { kind: 'pipeline', pipeline: parsePipeline(inner) };
    const following = rest[0];
    const hasFields = following?.text.startsWith('.') === true && following.joined;
    if (hasFields) rest.shift();
    return { operand, fields: hasFields ? fieldsOf(following.text) : [] };
  }
  const { text } = word;
  if (word.literal !== undefined) {
    return { operand: { kind: 'value', value: word.literal }, fields: [] };
  }
  if (text.startsWith('.')) return { operand: { kind: 'dot' }, fields: fieldsOf(text) };
  if (text.startsWith('$')) {
    const [name = '$', ...fields] = text.split('.');
    return { operand: { kind: 'variable', name }, fields };
  }
  return { operand: { kind: 'function', name: text }, fields: [] };
}

function fieldsOf(path: string): string[] {
  return path.split('.').filter((name) => name !== '');
}
