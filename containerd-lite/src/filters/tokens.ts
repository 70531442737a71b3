/** Splits a filter into tokens (see filter.ts for the language). */
import { StackError } from '#spec/errors';

export interface Token {
  type: 'word' | 'quoted' | 'operator' | '.' | ',';
  text: string;
}

/** What an unquoted value may hold after an operator; names are stricter (no dot, which separates them). */
const valueCharacters = /[^\s,"'|]/u;
const nameCharacters = /[A-Za-z0-9_\-/:@]/;

/** Throws invalid_argument for characters that fit nowhere and for quotes left open. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  const fail = (reason: string): never => {
    throw new StackError('invalid_argument', `filter "${text}": ${reason}`);
  };
  while (position < text.length) {
    const character = text.charAt(position);
    const previous = tokens.at(-1);
    const afterOperator = previous?.type === 'operator';
    if (/\s/.test(character)) {
      position++;
    } else if (character === '"' || character === "'" || isRegexQuote(character, previous)) {
      const quoted = readQuoted(text, position);
      if (!quoted) return fail(`quote ${character} is not closed`);
      tokens.push({ type: 'quoted', text: quoted.value });
      position = quoted.end;
    } else if (afterOperator) {
      const word = take(text, position, valueCharacters);
      if (word === '') return fail(`unexpected ${character}`);
      tokens.push({ type: 'word', text: word });
      position += word.length;
    } else if (character === ',' || character === '.') {
      tokens.push({ type: character, text: character });
      position++;
    } else if (['==', '!=', '~='].includes(text.slice(position, position + 2))) {
      tokens.push({ type: 'operator', text: text.slice(position, position + 2) });
      position += 2;
    } else {
      const word = take(text, position, nameCharacters);
      if (word === '') return fail(`unexpected "${character}"`);
      tokens.push({ type: 'word', text: word });
      position += word.length;
    }
  }
  return tokens;
}

/** After `~=`, `|` and `/` quote as well, so that a pattern can hold commas and quotes. */
function isRegexQuote(character: string, previous: Token | undefined): boolean {
  return (character === '|' || character === '/') && previous?.text === '~=';
}

function take(text: string, start: number, allowed: RegExp): string {
  let end = start;
  while (end < text.length && allowed.test(text.charAt(end))) end++;
  return text.slice(start, end);
}

function readQuoted(text: string, start: number): { value: string; end: number } | undefined {
  const quote = text.charAt(start);
  const raw = quote === '|' || quote === '/';
  let value = '';
  for (let index = start + 1; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === quote) return { value, end: index + 1 };
    if (character !== '\\') {
      value += character;
      continue;
    }
    const next = text.charAt(++index);
    if (raw) value += next === quote ? next : `\\${next}`;
    else value += escapes[next] ?? next;
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
