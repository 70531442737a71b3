/**
 * Annotations `org.systemd.property.NAME`: properties of the unit that config.json asks for itself. The value is
 * GVariant text (`'inactive'`, `true`, `uint64 5000000`, `['a', 'b']`); the form of it that properties of units need.
 */
import type { Value, Variant } from '#lib/dbus/signature';
import { StackError } from '#spec/errors';
import type { Property } from './manager.ts';

const prefix = 'org.systemd.property.';

/** Throws invalid_argument naming the annotation. A property in seconds (`…Sec`) becomes one in microseconds. */
export function annotationProperties(
  annotations: Readonly<Record<string, string>> = {},
): Property[] {
  return Object.entries(annotations)
    .filter(([name]) => name.startsWith(prefix))
    .map(([annotation, text]): Property => {
      const name = annotation.slice(prefix.length);
      if (!/^[A-Za-z]{3,}$/.test(name)) {
        throw new StackError('invalid_argument', `annotation ${annotation}: name incorrect`);
      }
      try {
        const value = new VariantText(text).parse();
        return /[^U]Sec$/.test(name) ? inMicroseconds(name, value) : [name, value];
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new StackError('invalid_argument', `annotation ${annotation}=${text}: ${reason}`, {
          cause: error,
        });
      }
    });
}

/** `TimeoutStopSec` is for people; on the bus it is `TimeoutStopUSec`. */
function inMicroseconds(name: string, { value }: Variant): Property {
  if (typeof value !== 'number' && typeof value !== 'bigint') {
    throw new StackError('invalid_argument', 'seconds are a number');
  }
  const microseconds =
    typeof value === 'bigint' ? value * 1_000_000n : BigInt(Math.floor(value * 1_000_000));
  return [name.replace(/Sec$/, 'USec'), { signature: 't', value: microseconds }];
}

const typeByWord: Readonly<Record<string, string>> = {
  boolean: 'b',
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
  double: 'd',
  string: 's',
  objectpath: 'o',
  signature: 'g',
};

/** One value as text. */
class VariantText {
  readonly #text: string;
  #position = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Variant {
    const value = this.#value(undefined);
    this.#skipSpace();
    if (this.#position < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(wanted: string | undefined): Variant {
    this.#skipSpace();
    const rest = this.#text.slice(this.#position);
    const typed = /^(?:@(a?[ybnqiuxtdsog])|([a-z]+\d*))\s+(?=\S)/.exec(rest);
    const type = typed && (typed[1] ?? typeByWord[typed[2] ?? '']);
    if (typed && type) {
      this.#position += typed[0].length;
      return this.#value(type);
    }
    if (rest.startsWith('[')) return this.#array(wanted?.startsWith('a') ? wanted[1] : undefined);
    return this.#basic(rest, wanted);
  }

  #array(element: string | undefined): Variant {
    this.#position += 1;
    const values: Value[] = [];
    let type = element;
    while (this.#next() !== ']') {
      if (values.length > 0 && this.#text[this.#position++] !== ',') throw this.#unexpected();
      const { signature, value } = this.#value(type);
      if (signature !== (type ?? signature)) throw this.#unexpected();
      type = signature;
      values.push(value);
    }
    this.#position += 1;
    if (type === undefined) throw new StackError('invalid_argument', 'an empty array needs a type');
    return { signature: `a${type}`, value: values };
  }

  #basic(rest: string, wanted: string | undefined): Variant {
    const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/s.exec(rest);
    const [word = ''] = quoted ?? /^[-+.\w]+/.exec(rest) ?? [];
    const type = wanted ?? typeOfWord(word);
    const value = valueOfWord(word, type);
    if (value === undefined) throw this.#unexpected();
    this.#position += word.length;
    return { signature: type, value };
  }

  /** The next character that is no space. */
  #next(): string | undefined {
    this.#skipSpace();
    return this.#text[this.#position];
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#position] ?? '')) this.#position += 1;
  }

  #unexpected(): StackError {
    const rest = this.#text.slice(this.#position);
    return new StackError('invalid_argument', `value parse error at ${JSON.stringify(rest)}`);
  }
}

function typeOfWord(word: string): string {
  if (/^['"]/.test(word)) return 's';
  if (word === 'true' || word === 'false') return 'b';
  return wholeNumber.test(word) ? 'i' : 'd';
}

const wholeNumber = /^[-+]?(?:0x[0-9a-fA-F]+|\d+)$/;

/** Undefined where `word` is no value of `type`. */
function valueOfWord(word: string, type: string): Value | undefined {
  if ('sog'.includes(type)) {
    return /^['"]/.test(word) ? word.slice(1, -1).replace(/\\(.)/gs, '$1') : undefined;
  }
  if (type === 'b') return word === 'true' ? true : word === 'false' ? false : undefined;
  if (type === 'd') return word === '' || Number.isNaN(Number(word)) ? undefined : Number(word);
  if (!wholeNumber.test(word)) return undefined;
  return 'xt'.includes(type) ? BigInt(word) : Number(word);
}
