/** Variables from `-e` and from files. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import { osErrorText } from '../terminal/os-error.ts';

/** `-e NAME` takes the value from the caller's environment, and nothing when it has none; so do lines of a file. */
export function environment(files: readonly string[], given: readonly string[]): string[] {
  const entries = [...readPairsFiles(files, 'env-file'), ...given];
  return entries.flatMap((entry) => {
    if (entry.startsWith('=')) {
      throw new StackError('invalid_argument', `invalid environment variable: ${entry}`);
    }
    if (entry.includes('=')) return [entry];
    const own = process.env[entry];
    return own === undefined ? [] : [`${entry}=${own}`];
  });
}

/** Lines of files, without comments and blanks before them. Throws invalid_argument for a file that cannot be read. */
export function readPairsFiles(files: readonly string[], flag: string): string[] {
  return files.flatMap((file) => {
    let content: string;
    try {
      content = fs.readFileSync(file, 'utf8');
    } catch (error) {
      throw new StackError('invalid_argument', osErrorText('open', file, error), { cause: error });
    }
    const lines = content
      .replace(/^\uFEFF/, '')
      .split('\n')
      .map((line) => line.trimStart().replace(/\r$/, ''))
      .filter((line) => line !== '' && !line.startsWith('#'));
    for (const line of lines) {
      const [name = ''] = line.split('=');
      if (name === '' || /\s/.test(name)) {
        throw new StackError(
          'invalid_argument',
          `invalid ${flag === 'env-file' ? 'env' : 'label'} file (${file}): ${name === '' ? `no variable name on line '${line}'` : `variable '${name}' contains whitespaces`}`,
        );
      }
    }
    return lines;
  });
}
