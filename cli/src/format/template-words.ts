/** The words between `{{` and `}}`. */
import { parsingError } from './template-parser.ts';

export interface Word {
  text: string;
  /** What a quoted string, a number, `true`, `false` or `nil` stands for. */
  literal?: string | number | boolean | null;
  /** No white space stands before it. */
  joined: boolean;
}

const pattern =
  /(\s*)("(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)'|:=|[()|,=]|-?\d[\w.]*|\$?[A-Za-z_]\w*(?:\.\w+)*|\$(?:\.\w+)*|\.(?:\w+(?:\.\w+)*)?)/y;

/** Throws invalid_argument for what no word begins with. */
export function splitAction(action: string): Word[] {
  const words: Word[] = [];
  pattern.lastIndex = 0;
  while (pattern.lastIndex < action.trimEnd().length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(action);
    if (!match) {
      throw parsingError(`unexpected ${JSON.stringify(action.slice(start).trim())} in command`);
    }
    const [, space = '', text = ''] = match;
    if (text === ',') continue;
    words.push({ text, joined: space === '', ...literalOf(text) });
  }
  return words;
}

function literalOf(text: string): Pick<Word, 'literal'> {
  if (text.startsWith('"')) return { literal: unquote(text) };
  if (text.startsWith('`')) return { literal: text.slice(1, -1) };
  if (text.startsWith("'")) return { literal: unquote(`"${text.slice(1, -1)}"`).charCodeAt(0) };
  if (/^-?\d/.test(text)) {
    const value = Number(text);
    if (Number.isNaN(value)) throw parsingError(`bad number syntax: "${text}"`);
    return { literal: value };
  }
  if (text === 'true' || text === 'false') return { literal: text === 'true' };
  return text === 'nil' ? { literal: null } : {};
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string; // a JSON string is one of Go's
  } catch {
    throw parsingError(`unterminated quoted string: ${text}`);
  }
}
