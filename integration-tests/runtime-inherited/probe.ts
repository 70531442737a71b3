/** What a process inherits or is given, read by itself from /proc: one named value for each thing. */

/** The files of /proc/self that say it, each with how it becomes values. */
const files = [
  'status',
  'limits',
  'stat',
  'oom_score_adj',
  'timerslack_ns',
  'personality',
] as const;
type ProcFile = (typeof files)[number] | 'fdinfo/0' | 'fdinfo/1' | 'fdinfo/2';
const probed: readonly ProcFile[] = [...files, 'fdinfo/0', 'fdinfo/1', 'fdinfo/2'];

/** Lines of `status` that are about memory, scheduling or who asks. */
const volatile =
  /^(Name|State|Pid|Tgid|NStgid|NSpid|NSpgid|NSsid|PPid|FDSize|Threads|SigQ|Vm\w+|Rss\w+|\w+_ctxt_switches|HugetlbPages|Cpus_allowed_list|Mems_allowed_list|x86_Thread_features\w*)$/;

const marker = '=== ';

/** A shell script that prints everything {@link parseProbe} reads. Its children have what the shell was given. */
export const probeScript = [
  ...probed.map((file) => `echo '${marker}${file}'; cat /proc/self/${file}`),
  `echo '${marker}descriptors'; ls -l /proc/self/fd 2> /dev/null`,
  `echo '${marker}terminal'; stty -a 2>&1`,
  `echo '${marker}session'; cut -d ' ' -f 1,5,6,7,8 /proc/$$/stat`,
  `echo '${marker}end'`, // what follows is the client's
].join('; ');

/** By name. Values that differ between any two processes are left out. */
export function parseProbe(output: string): Readonly<Record<string, string>> {
  // script(1) sends the end of its input, which the terminal echoes.
  const parts = output
    .replaceAll(/\r|\^@/g, '')
    .split(marker)
    .slice(1);
  return Object.fromEntries(
    parts.flatMap((part) => {
      const [name = '', ...lines] = part.trim().split('\n');
      return Object.entries(valuesOf(name, lines)).map(([key, value]) => [`${name} ${key}`, value]);
    }),
  );
}

function valuesOf(name: string, lines: readonly string[]): Record<string, string> {
  switch (name) {
    case 'status':
      return Object.fromEntries(
        lines.flatMap((line): [string, string][] => {
          const [key = '', value = ''] = line.split(':\t');
          if (volatile.test(key)) return [];
          return [[key, key.startsWith('Sig') ? withoutThreadSignals(value) : value.trim()]];
        }),
      );
    case 'limits':
      return Object.fromEntries(
        lines.slice(1).map((line) => [line.slice(0, 25).trim(), line.slice(26).trim()]),
      );
    case 'stat':
      return schedulingOf(lines.join(''));
    case 'descriptors':
      return Object.fromEntries(lines.flatMap(describeDescriptor));
    case 'session':
      return describeSession(lines.join(''));
    case 'fdinfo/0':
    case 'fdinfo/1':
    case 'fdinfo/2':
      return { flags: statusFlags(lines.join('\n')) };
    case 'end':
      return {};
    case 'terminal':
      return { '': describeTerminal(lines.join(' ')) };
    default:
      return { '': lines.join('\n') };
  }
}

/** Signals 32 and 33 are the C library's own: no program can set them, so what becomes of them is chance. */
function withoutThreadSignals(mask: string): string {
  const own = (1n << 31n) | (1n << 32n);
  return (BigInt(`0x${mask.trim()}`) & ~own).toString(16).padStart(16, '0');
}

/** Priority, nice value, real-time priority and policy: fields 18, 19, 40 and 41. */
function schedulingOf(stat: string): Record<string, string> {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): string => fields[number - 3] ?? '';
  return { priority: field(18), nice: field(19), realTime: field(40), policy: field(41) };
}

/** Whoever opens a FIFO has O_LARGEFILE, whoever makes a pipe has not: it means nothing on 64 bits. */
const O_LARGEFILE = 0o100000;

function statusFlags(fdinfo: string): string {
  const flags = parseInt(/^flags:\s+(\d+)$/m.exec(fdinfo)?.[1] ?? '', 8);
  return (flags & ~O_LARGEFILE).toString(8);
}

/** Without the size: it comes when the client has sent it. */
function describeTerminal(settings: string): string {
  return settings
    .replace(/stty: standard input|rows \d+; columns \d+;/, '')
    .replaceAll(/\s+/g, ' ');
}

/** `lr-x------ … 0 -> pipe:[123]`: modes and kinds; the number of a pipe or the path of a FIFO is nobody's business. */
function describeDescriptor(line: string): [string, string][] {
  const match = /^(\S+) .* (\d+) -> (.*)$/.exec(line);
  if (!match) return [];
  const [, mode = '', number = '', link = ''] = match;
  if (/^\/proc\/\d+\/fd$/.test(link)) return []; // of ls itself
  const kind = /^(pipe:|.*-std(in|out|err)$)/.test(link) ? 'a pipe' : link;
  return [[number, `${mode} ${kind}`]];
}

/** Whether the process leads its session and process group, and whether that is in the foreground of its terminal. */
function describeSession(stat: string): Record<string, string> {
  const [pid, group, session, terminal, foreground] = stat.split(' ');
  return {
    leader: String(pid === session),
    groupLeader: String(pid === group),
    terminal: String(terminal !== '0'),
    inForeground: String(foreground === group),
  };
}
