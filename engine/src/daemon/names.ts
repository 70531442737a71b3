/** Names for containers that were given none: an adjective and a pioneer of computing, as docker does it. */
import { randomInt } from 'node:crypto';

// prettier-ignore
const adjectives = [
  'agile', 'amber', 'bold', 'brave', 'bright', 'calm', 'clever', 'crisp', 'curious', 'daring', 'eager', 'fair',
  'fluent', 'gentle', 'graceful', 'honest', 'jolly', 'keen', 'kind', 'lively', 'lucid', 'merry', 'modest', 'nimble',
  'patient', 'polite', 'proud', 'quick', 'quiet', 'serene', 'sharp', 'silent', 'steady', 'sunny', 'swift', 'tidy',
  'upbeat', 'vivid', 'warm', 'wise', 'witty', 'zesty',
];

// prettier-ignore
const pioneers = [
  'allen', 'babbage', 'backus', 'berners', 'boole', 'cerf', 'church', 'clarke', 'codd', 'cray', 'dijkstra', 'eckert',
  'engelbart', 'floyd', 'goldberg', 'granville', 'hamilton', 'hamming', 'hoare', 'holberton', 'hopper', 'jennings',
  'kahn', 'kay', 'kernighan', 'kildall', 'knuth', 'lamport', 'liskov', 'lovelace', 'mccarthy', 'meltzer', 'milner',
  'minsky', 'moore', 'naur', 'neumann', 'perlis', 'perlman', 'ritchie', 'shannon', 'stallman', 'sutherland', 'tarjan',
  'thompson', 'torvalds', 'turing', 'wilkes', 'wirth', 'zuse',
];

/** A name that `isTaken` does not know; a number is added when luck runs out. */
export function generateName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const words = `${pick(adjectives)}_${pick(pioneers)}`;
    const name = attempt < 6 ? words : `${words}${attempt}`;
    if (!isTaken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)] ?? '';
}
