/** Asking before something is removed for good. */
import readline from 'node:readline/promises';

/** Prints `warning` and asks; true for `y` alone. Without an answer it is no. */
export async function confirm(warning: string): Promise<boolean> {
  const reader = readline.createInterface({ input: process.stdin, output: process.stdout });
  try {
    const closed = new AbortController();
    reader.once('close', () => closed.abort());
    const answer = await reader
      .question(`${warning}\nAre you sure you want to continue? [y/N] `, { signal: closed.signal })
      .catch(() => '');
    return answer.trim().toLowerCase() === 'y';
  } finally {
    reader.close();
  }
}
