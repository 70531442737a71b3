/** From the command line and the config file to options, at the start and at every reload. */
import { messageOf, StackError } from '#spec/errors';
import { parseCommandLine } from './command-line.ts';
import { readConfigFile } from './config-file.ts';
import { daemonOptions } from './daemon-options.ts';
import {
  engineOptions,
  reloadableOptions,
  type EngineOptions,
  type ReloadableOptions,
} from './engine-options.ts';
import { OptionValues } from './option-values.ts';

const defaultFile = '/etc/engine/daemon.json';

/** What engined was told to do; all but `run` ends at once. */
export type Order =
  | { kind: 'help' | 'version' | 'validate' }
  | { kind: 'run'; options: EngineOptions; configuration: Configuration };

/** Reads the arguments and the config file. Throws invalid_argument or unimplemented with docker's words. */
export function readOrder(args: readonly string[]): Order {
  const flags = parseCommandLine(args);
  if (flags.boolean('help')) return { kind: 'help' };
  if (flags.boolean('version')) return { kind: 'version' };
  const configuration = new Configuration(flags);
  const options = configuration.options();
  return flags.boolean('validate') ? { kind: 'validate' } : { kind: 'run', options, configuration };
}

/** The flags of this process and the file beside them, which can change. */
export class Configuration {
  readonly #flags: OptionValues;
  /** What the file last said and is in force. */
  #file: OptionValues;

  constructor(flags: OptionValues) {
    this.#flags = flags;
    this.#file = this.#read();
  }

  get file(): string {
    return this.#flags.text('config-file') ?? defaultFile;
  }

  options(): EngineOptions {
    return this.#checked(() => engineOptions(this.#merged(this.#file)));
  }

  /**
   * Reads the file again. What it does not mention stays as it is. Throws invalid_argument and changes nothing when it
   * cannot be used. `ignored` are keys whose new value waits for the next start.
   */
  reread(): { options: ReloadableOptions; ignored: string[]; apply: () => void } {
    const file = this.#read();
    const next = new OptionValues();
    const ignored: string[] = [];
    for (const option of daemonOptions) {
      const { flag } = option;
      const said = file.list(flag);
      const before = this.#file.list(flag);
      const changes = file.has(flag) && said.join('\n') !== before.join('\n');
      if (changes && !option.reloadable) ignored.push(option.key ?? flag);
      const chosen = file.has(flag) && option.reloadable ? file : this.#file;
      if (chosen.has(flag)) next.add(option, chosen.list(flag));
    }
    const options = this.#checked(() => {
      engineOptions(this.#merged(file)); // also what waits must be right
      return reloadableOptions(this.#merged(next));
    });
    return { options, ignored, apply: () => (this.#file = next) };
  }

  #merged(file: OptionValues): OptionValues {
    const merged = new OptionValues();
    merged.merge(this.#flags);
    merged.merge(file);
    return merged;
  }

  /** A file that is only looked for by default may be absent. */
  #read(): OptionValues {
    const values = this.#inFile(() => readConfigFile(this.file, this.#flags));
    if (values) return values;
    if (!this.#flags.has('config-file')) return new OptionValues();
    throw this.#unusable(`open ${this.file}: no such file or directory`);
  }

  #inFile<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#unusable(messageOf(error), error);
    }
  }

  /** Errors of values name the file where there is one that may hold them. */
  #checked<T>(read: () => T): T {
    return this.#file.names.length === 0 ? read() : this.#inFile(read);
  }

  #unusable(reason: string, cause?: unknown): StackError {
    return new StackError(
      'invalid_argument',
      `unable to configure the engine with file ${this.file}: ${reason}`,
      cause === undefined ? {} : { cause },
    );
  }
}
