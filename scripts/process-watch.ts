/** Notes every process that appears below given ones, however short it lives: by looking at /proc every few milliseconds. */
import fs from 'node:fs';
import path from 'node:path';

export interface SeenProcess {
  pid: number;
  parent: number;
  /** Command line, shortened for people. */
  command: string;
}

/** Looks until {@link stop}; `processes` keeps what was seen, in order of appearance. */
export class ProcessWatch {
  readonly processes = new Map<number, SeenProcess>();
  readonly #timer: NodeJS.Timeout;
  readonly #ignored: ReadonlySet<number>;

  /** @param isOurs tells by its command line that a process belongs to what is watched though it was there before. */
  constructor(isOurs: (command: string) => boolean, intervalMs = 3) {
    const present = listPids().flatMap((pid) => read(pid) ?? []);
    const ours = new Set(present.filter(({ command }) => isOurs(command)).map(({ pid }) => pid));
    const others = present.filter(({ pid, parent }) => !ours.has(pid) && !ours.has(parent));
    this.#ignored = new Set(others.map(({ pid }) => pid));
    this.#timer = setInterval(() => {
      this.#look();
    }, intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const pid of listPids()) {
      if (this.#ignored.has(pid)) continue;
      const seen = read(pid);
      // The command changes when a launcher becomes Node; the last one seen is what it is.
      if (seen && seen.command !== '') this.processes.set(pid, seen);
    }
  }
}

/** Undefined for a process that ended between the listing and the look. */
function read(pid: number): SeenProcess | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(fields[1]), command: readCommand(pid) };
  } catch {
    return undefined;
  }
}

function listPids(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** `node …/lib/NAME.cjs ARGS` as `NAME ARGS`. */
function readCommand(pid: number): string {
  const words = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  const script = words.findIndex((word) => word.endsWith('.cjs'));
  const shown =
    script < 0 ? words : [path.basename(words[script] ?? '', '.cjs'), ...words.slice(script + 1)];
  return shown.join(' ');
}
