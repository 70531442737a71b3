/** Questions on the terminal. */
import readline from 'node:readline/promises';
import tty from 'node:tty';
import { StackError } from '#spec/errors';

/** One line, without blanks around it. */
export async function ask(question: string): Promise<string> {
  const reader = readline.createInterface({ input: process.stdin, output: process.stdout });
  try {
    return (await reader.question(question)).trim();
  } finally {
    reader.close();
  }
}

/** One line that is not shown. Throws cancelled for ctrl-c, invalid_argument for nothing. */
export async function askSecret(question: string): Promise<string> {
  process.stdout.write(question);
  const { stdin } = process;
  if (stdin instanceof tty.ReadStream) stdin.setRawMode(true);
  try {
    const secret = await readLine();
    if (secret === '') throw new StackError('invalid_argument', 'Error: Password Required');
    return secret;
  } finally {
    if (stdin instanceof tty.ReadStream) stdin.setRawMode(false);
    stdin.pause();
    process.stdout.write('\n');
  }
}

const interrupt = '\x03';
const erase = new Set(['\x7f', '\b']);

async function readLine(): Promise<string> {
  let line = '';
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    for (const character of chunk.toString()) {
      if (character === '\r' || character === '\n') return line;
      if (character === interrupt) throw new StackError('cancelled', 'login cancelled');
      line = erase.has(character) ? line.slice(0, -1) : line + character;
    }
  }
  return line;
}
