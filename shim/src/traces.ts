/**
 * What the kernel shows of this process that a container could have left behind: descriptors, children, places. A shim
 * serves another container only when it looks as it did before the first one, whatever its own books say.
 */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Streams that were closed are gone some turns of the event loop later. */
const waitsMs = [0, 1, 5, 20, 50, 100, 300];
const namespaces = [
  'mnt',
  'net',
  'ipc',
  'uts',
  'pid',
  'pid_for_children',
  'user',
  'cgroup',
  'time',
];

export class Traces {
  /** How often each was there. */
  readonly #before = look();

  /** Whether nothing is there that was not before. Waits a moment for what is going; `runtime` is no trace. */
  async haveGone(runtime: number | undefined): Promise<boolean> {
    for (const ms of waitsMs) {
      await delay(ms);
      if (!hasChildrenBut(runtime) && this.#added().length === 0) return true;
    }
    return false;
  }

  #added(): string[] {
    return [...look()].flatMap(([trace, count]) =>
      count > (this.#before.get(trace) ?? 0) ? [trace] : [],
    );
  }
}

function look(): Map<string, number> {
  const counts = new Map<string, number>();
  const note = (trace: string) => counts.set(trace, (counts.get(trace) ?? 0) + 1);
  for (const fd of fs.readdirSync('/proc/self/fd')) note(`descriptor ${targetOf(fd)}`);
  for (const name of namespaces) note(`namespace ${readLink(`/proc/self/ns/${name}`)}`);
  for (const name of ['cgroup', 'oom_score_adj'])
    note(fs.readFileSync(`/proc/self/${name}`, 'utf8'));
  note(`folder ${process.cwd()}`);
  note(`umask ${/^Umask:.*$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))?.[0] ?? ''}`);
  for (const [name, value = ''] of Object.entries(process.env)) note(`variable ${name}=${value}`);
  return counts;
}

/** Sockets, pipes and the like by their kind: each has a number of its own. */
function targetOf(fd: string): string {
  return readLink(`/proc/self/fd/${fd}`).replace(/^(socket|pipe):\[\d+\]$/, '$1');
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return ''; // the descriptor by which the folder was read
  }
}

/** Processes that a container left come to the shim, a subreaper. A kernel that does not tell has some, for all we know. */
function hasChildrenBut(runtime: number | undefined): boolean {
  return fs
    .readdirSync('/proc/self/task')
    .flatMap((thread) => childrenOf(thread))
    .some((pid) => pid !== runtime?.toString());
}

function childrenOf(thread: string): string[] {
  try {
    const text = fs.readFileSync(`/proc/self/task/${thread}/children`, 'utf8');
    return text.split(' ').filter((pid) => pid !== '');
  } catch {
    // It has ended meanwhile, or the kernel was built without CONFIG_PROC_CHILDREN.
    return fs.existsSync(`/proc/self/task/${thread}`) ? ['unknown'] : [];
  }
}
