/** Values of options as they were given, by flag: on the command line, in the config file, or both. */
import type { DaemonOption } from './daemon-options.ts';
import { StackError } from '#spec/errors';

export class OptionValues {
  readonly #values = new Map<string, string[]>();

  /** Flags that were given. */
  get names(): string[] {
    return [...this.#values.keys()];
  }

  has(flag: string): boolean {
    return this.#values.has(flag);
  }

  /** Later values of a list are added, those of anything else replace what was. */
  add({ flag, kind }: DaemonOption, values: readonly string[]): void {
    const earlier = kind === 'list' ? (this.#values.get(flag) ?? []) : [];
    this.#values.set(flag, [...earlier, ...values]);
  }

  /** Adds all of `others`. */
  merge(others: OptionValues): void {
    for (const [flag, values] of others.#values) {
      this.#values.set(flag, [...(this.#values.get(flag) ?? []), ...values]);
    }
  }

  /** Undefined when it was not given. */
  text(flag: string): string | undefined {
    return this.#values.get(flag)?.at(-1);
  }

  list(flag: string): string[] {
    return [...(this.#values.get(flag) ?? [])];
  }

  /** Undefined when it was not given. */
  boolean(flag: string): boolean | undefined {
    const text = this.text(flag);
    return text === undefined ? undefined : parseBoolean(text);
  }

  /** Undefined when it was not given. */
  integer(flag: string): number | undefined {
    const text = this.text(flag);
    return text === undefined ? undefined : Number(text);
  }

  /** As docker prints a flag's value. */
  describe(flag: string, kind: DaemonOption['kind']): string {
    const values = this.list(flag);
    return kind === 'list' ? `[${values.join(' ')}]` : (values.at(-1) ?? '');
  }
}

/** As Go's strconv.ParseBool. Undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

/** Throws invalid_argument, in the words of pflag, for a text that is no value of `option`. */
export function checkValue(option: DaemonOption, text: string): void {
  const [wrong, call] =
    option.kind === 'boolean'
      ? [parseBoolean(text) === undefined, 'ParseBool']
      : [option.kind === 'integer' && !/^[+-]?\d+$/.test(text), 'ParseInt'];
  if (!wrong) return;
  const name = option.short ? `-${option.short}, --${option.flag}` : `--${option.flag}`;
  throw new StackError(
    'invalid_argument',
    `invalid argument "${text}" for "${name}" flag: strconv.${call}: parsing "${text}": invalid syntax`,
  );
}
