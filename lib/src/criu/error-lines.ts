/** What criu itself says about a failure: in its log, or on stderr before it has one. */
import fs from 'node:fs';
import { errorCode } from '#spec/errors';

/** A message that names more says no more. */
const mostLines = 8;

/** The lines of `text` that criu marks as errors, without time and in order; only the last few of many. */
export function errorLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.includes('Error ('))
    .map((line) => line.replace(/^\(\d+\.\d+\)\s*/, '').trim())
    .slice(-mostLines);
}

/** {@link errorLines} of a log; none where there is no log. */
export function logErrors(file: string): string[] {
  try {
    return errorLines(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []; // it failed before it opened one
    throw error;
  }
}
