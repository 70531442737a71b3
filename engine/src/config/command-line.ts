/** The command line of engined, read by the rules and with the words of Go's pflag, as dockerd reads it. */
import { StackError } from '#spec/errors';
import { daemonOptions, notBuilt, type DaemonOption } from './daemon-options.ts';
import { checkValue, OptionValues } from './option-values.ts';

/** Reads the arguments after the program's name. Throws invalid_argument, or unimplemented for flags of dockerd's only. */
export function parseCommandLine(args: readonly string[]): OptionValues {
  const values = new OptionValues();
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--' ? rest.length > 0 : !/^-./.test(arg)) {
      throw wrong('"engined" accepts no arguments');
    }
    if (arg === '--') break;
    if (arg.startsWith('--')) readLong(values, arg, rest);
    else readShort(values, arg.slice(1), rest);
  }
  return values;
}

/** `--flag`, `--flag=value`, `--flag value`. */
function readLong(values: OptionValues, arg: string, rest: string[]): void {
  const [, name = '', , attached] = /^--([^=]*)(=(.*))?$/s.exec(arg) ?? [];
  const option = daemonOptions.find(({ flag }) => flag === name);
  if (!option) {
    if (notBuilt.includes(name)) throw notImplemented(`--${name}`);
    throw wrong(name === '' ? `bad flag syntax: ${arg}` : `unknown flag: --${name}`);
  }
  const value = attached ?? (option.kind === 'boolean' ? 'true' : rest.shift());
  if (value === undefined) throw wrong(`flag needs an argument: --${name}`);
  give(values, option, value);
}

/** `-DH value`, `-Hvalue`, `-H=value`, `-D=false`. */
function readShort(values: OptionValues, letters: string, rest: string[]): void {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters.charAt(at);
    const option = daemonOptions.find(({ short }) => short === letter);
    if (!option) {
      throw wrong(`unknown shorthand flag: '${letter}' in -${letters}`);
    }
    const attached = letters.slice(at + 1);
    if (option.kind === 'boolean' && !attached.startsWith('=')) {
      give(values, option, 'true');
      continue;
    }
    const value = attached === '' ? rest.shift() : attached.replace(/^=/, '');
    if (value === undefined) {
      throw wrong(`flag needs an argument: '${letter}' in -${letters}`);
    }
    give(values, option, value);
    return;
  }
}

function give(values: OptionValues, option: DaemonOption, value: string): void {
  checkValue(option, value);
  values.add(option, [value]);
}

function wrong(message: string): StackError {
  return new StackError('invalid_argument', `${message}\nSee 'engined --help'.`);
}

/** The error for what dockerd has and this engine has not. */
export function notImplemented(name: string): StackError {
  return new StackError('unimplemented', `${name} is not implemented by this engine`);
}

/** What `--help` prints. */
export function usage(): string {
  const rows = daemonOptions.map(({ flag, short, value, kind, description }) => {
    const name = `${short === undefined ? '    ' : `-${short}, `}--${flag}`;
    return [kind === 'boolean' ? name : `${name} ${value ?? kind}`, description] as const;
  });
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    'Usage:  engined [OPTIONS]',
    '',
    'The engine: containers, images and networks behind the Docker Engine API.',
    '',
    'Options:',
    ...rows.map(([name, description]) => `  ${name.padEnd(width)}   ${description}`),
    '',
  ].join('\n');
}
