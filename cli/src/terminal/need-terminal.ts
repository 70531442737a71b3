/** `-it` is for people at a terminal. */
import { StackError } from '#spec/errors';

/** Throws invalid_argument, in docker's words, where stdin is a file or a pipe. */
export function needTerminal(): void {
  if (!process.stdin.isTTY) {
    throw new StackError('invalid_argument', 'the input device is not a TTY');
  }
}
