/** Signals by name and number as on x86-64 and arm64 Linux (signal(7)); real-time signals count from SIGRTMIN as glibc does. */
import { StackError } from './errors.ts';

const numbers: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  TRAP: 5,
  ABRT: 6,
  BUS: 7,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
  STKFLT: 16,
  CHLD: 17,
  CONT: 18,
  STOP: 19,
  TSTP: 20,
  TTIN: 21,
  TTOU: 22,
  URG: 23,
  XCPU: 24,
  XFSZ: 25,
  VTALRM: 26,
  PROF: 27,
  WINCH: 28,
  IO: 29,
  PWR: 30,
  SYS: 31,
};

/** Second names of the same numbers. */
const aliases: Readonly<Record<string, number>> = { IOT: 6, CLD: 17, POLL: 29 };

/** glibc keeps 32 and 33 for its own threads. */
const SIGRTMIN = 34;
const SIGRTMAX = 64;

const names = new Map(Object.entries(numbers).map(([name, number]) => [number, `SIG${name}`]));

/** `SIGTERM` for 15, `SIGRTMIN+3` for 37; undefined for what is no signal. */
export function signalName(number: number): string | undefined {
  if (number >= SIGRTMIN && number <= SIGRTMAX) return realTimeName(number);
  return names.get(number);
}

/**
 * The number of a signal given as people and tools write it: `SIGTERM`, `term`, `15`, `RTMIN+3`, `SIGRTMAX-1`.
 * Throws invalid_argument for anything that is no signal.
 */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= SIGRTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const number = own(numbers, name) ?? own(aliases, name) ?? realTimeNumber(name);
  if (number === undefined) throw new StackError('invalid_argument', `unknown signal "${text}"`);
  return number;
}

function own(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function realTimeNumber(name: string): number | undefined {
  const match = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (!match) return undefined;
  const [, base, sign, offset = '0'] = match;
  const distance = sign === '-' ? -Number(offset) : Number(offset);
  const number = (base === 'MIN' ? SIGRTMIN : SIGRTMAX) + distance;
  return number >= SIGRTMIN && number <= SIGRTMAX ? number : undefined;
}

/** As `kill -l` writes them: counted from the nearer end. */
function realTimeName(number: number): string {
  const fromMin = number - SIGRTMIN;
  const fromMax = SIGRTMAX - number;
  if (fromMin === 0) return 'SIGRTMIN';
  if (fromMax === 0) return 'SIGRTMAX';
  return fromMin <= fromMax ? `SIGRTMIN+${fromMin}` : `SIGRTMAX-${fromMax}`;
}
