/** `--security-opt` */
import fs from 'node:fs';
import { StackError, messageOf } from '#spec/errors';
import { splitOnce } from '../command-line/parse.ts';
import { osErrorText } from '../terminal/os-error.ts';

/** Fields of HostConfig. A seccomp profile travels as itself: the daemon may not see the caller's files. */
export function securityOptions(values: readonly string[]): Record<string, unknown> {
  const unconfined = 'systempaths=unconfined';
  const options = values.filter((value) => value !== unconfined).map(readOption);
  return {
    SecurityOpt: options.length > 0 ? options : undefined,
    // The daemon knows nothing of this option: paths that are masked are told one by one.
    ...(values.includes(unconfined) && { MaskedPaths: [], ReadonlyPaths: [] }),
  };
}

function readOption(option: string): string {
  const separator = option.includes('=') ? '=' : ':';
  const [key, value = ''] = splitOnce(option, separator);
  if (key === 'no-new-privileges') return option;
  if (value === '') {
    throw new StackError('invalid_argument', `Invalid --security-opt: "${option}"`);
  }
  if (key !== 'seccomp' || value === 'unconfined' || value === 'builtin') return option;
  let content: string;
  try {
    content = fs.readFileSync(value, 'utf8');
  } catch (error) {
    throw new StackError(
      'invalid_argument',
      `opening seccomp profile (${value}) failed: ${osErrorText('open', value, error)}`,
      { cause: error },
    );
  }
  try {
    return `seccomp=${JSON.stringify(JSON.parse(content))}`;
  } catch (error) {
    throw new StackError(
      'invalid_argument',
      `compacting json for seccomp profile (${value}) failed: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
