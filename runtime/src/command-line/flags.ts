/**
 * Flags as Go programs take them: `-name` and `--name` are the same, values follow or stand after `=`, and the first
 * word that is no flag ends them.
 */
import { StackError } from '#spec/errors';

/** `size`: bytes, with a unit of 1024 or a power of it: `512`, `100M`, `1.5GiB`; or -1. */
export type FlagKind = 'boolean' | 'string' | 'number' | 'size' | 'list';

export interface FlagSpec {
  readonly kind: FlagKind;
  readonly alias?: string;
  readonly help: string;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** What was given on the command line. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;
  /** What follows the flags. */
  readonly positional: readonly string[];

  constructor(values: ReadonlyMap<string, readonly string[]>, positional: readonly string[]) {
    this.#values = values;
    this.positional = positional;
  }

  has(name: string): boolean {
    return this.#values.get(name)?.at(-1) === 'true';
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  number(name: string): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : Number(value);
  }

  /** Of a flag of the kind `size`. */
  bytes(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const [, number = '', unit = ''] = sizePattern.exec(value) ?? [];
    const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1;
    return Math.floor(Number(number) * 1024 ** power);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

/** Throws invalid_argument for a flag that `specs` does not have. */
export function parseFlags(args: readonly string[], specs: FlagSpecs): Flags {
  const values = new Map<string, string[]>();
  let index = 0;
  for (; index < args.length; index++) {
    const word = args[index] ?? '';
    if (word === '--') {
      index++;
      break;
    }
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(word);
    if (!match) break;
    const [, written = '', attached] = match;
    const name = findFlag(written, specs);
    if (name === undefined) {
      throw new StackError('invalid_argument', `flag provided but not defined: -${written}`);
    }
    const kind = specs[name]?.kind;
    const value = attached ?? (kind === 'boolean' ? 'true' : args[++index]);
    if (value === undefined) {
      throw new StackError('invalid_argument', `flag needs an argument: -${written}`);
    }
    checkValue(written, value, kind);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return new Flags(values, args.slice(index));
}

function findFlag(written: string, specs: FlagSpecs): string | undefined {
  if (Object.hasOwn(specs, written)) return written;
  return Object.keys(specs).find((name) => specs[name]?.alias === written);
}

const sizePattern = /^(-1|\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i;

function checkValue(name: string, value: string, kind: FlagKind | undefined): void {
  const valid =
    kind === 'number'
      ? /^-?\d+$/.test(value)
      : kind === 'boolean'
        ? value === 'true' || value === 'false'
        : kind !== 'size' || sizePattern.test(value);
  if (!valid) {
    throw new StackError('invalid_argument', `invalid value "${value}" for flag -${name}`);
  }
}
