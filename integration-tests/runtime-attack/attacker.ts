/**
 * Runs inside the container, by a Node of the host's: tries to open and read whatever /proc shows of every process but
 * itself and the one named in its arguments, until /stop exists; /ready says that it has begun. Then writes to /report
 * what it could read, and of whom.
 */
import fs from 'node:fs';

/** What the loader calls itself until it executes the user's command. */
const loaderName = 'runtime\n';

/** What the test reads when all is over. */
export interface Report {
  /** How often it looked at all processes. */
  rounds: number;
  /** How often it saw a process on its way in. */
  loadersSeen: number;
  /** What it could read of one. */
  ofLoaders: string[];
  /** What it could read of processes that were something else before or after, each once. */
  ofOthers: string[];
}

const report: Report = { rounds: 0, loadersSeen: 0, ofLoaders: [], ofOthers: [] };
/** Not looked at: itself, those named, and who has been looked at after it had become something else. */
const done = new Set([String(process.pid), ...process.argv.slice(2)]);

/** Each returns text that it could read, or throws. */
const attempts: Readonly<Record<string, (folder: string) => string>> = {
  exe: (folder) => fs.readlinkSync(`${folder}/exe`),
  cwd: (folder) => fs.readlinkSync(`${folder}/cwd`),
  root: (folder) => fs.readlinkSync(`${folder}/root`),
  'files of the root': (folder) => fs.readdirSync(`${folder}/root`).join(' '),
  'files of the working directory': (folder) => fs.readdirSync(`${folder}/cwd`).join(' '),
  environ: (folder) => fs.readFileSync(`${folder}/environ`, 'latin1'),
  maps: (folder) => fs.readFileSync(`${folder}/maps`, 'latin1'),
  auxv: (folder) => fs.readFileSync(`${folder}/auxv`, 'latin1'),
  syscall: (folder) => fs.readFileSync(`${folder}/syscall`, 'latin1'),
  mem: (folder) => openAndClose(`${folder}/mem`, 'r'),
  'mem for writing': (folder) => openAndClose(`${folder}/mem`, 'r+'),
  'exe for writing': (folder) => openAndClose(`${folder}/exe`, 'r+'),
  map_files: (folder) => fs.readdirSync(`${folder}/map_files`).join(' '),
  descriptors: (folder) =>
    fs
      .readdirSync(`${folder}/fd`)
      .map((fd) => `${fd} ${fs.readlinkSync(`${folder}/fd/${fd}`)}`)
      .join('\n'),
  'a descriptor': (folder) => firstThatOpens(folder, 'r'),
  'a descriptor for writing': (folder) => firstThatOpens(folder, 'r+'),
  'namespace links': (folder) => fs.readlinkSync(`${folder}/ns/mnt`),
};

function openAndClose(file: string, flags: string): string {
  fs.closeSync(fs.openSync(file, flags));
  return 'opened';
}

function firstThatOpens(folder: string, flags: string): string {
  for (let fd = 0; fd < 32; fd++) {
    try {
      const file = `${folder}/fd/${fd}`;
      const link = fs.readlinkSync(file);
      openAndClose(file, flags);
      return link;
    } catch {
      // the next one may do
    }
  }
  return '';
}

function nameOf(folder: string): string | undefined {
  try {
    return fs.readFileSync(`${folder}/comm`, 'latin1');
  } catch {
    return undefined; // it ended
  }
}

fs.writeFileSync('/ready', '');
while (!fs.existsSync('/stop')) {
  report.rounds++;
  for (const pid of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || done.has(pid)) continue;
    const folder = `/proc/${pid}`;
    const name = nameOf(folder);
    if (name === loaderName) report.loadersSeen++;
    for (const [what, attempt] of Object.entries(attempts)) {
      const before = nameOf(folder);
      if (before === undefined) break;
      let content: string;
      try {
        content = attempt(folder);
      } catch {
        continue; // refused, or it ended
      }
      if (content === '') continue;
      // Still the loader afterwards: it was the loader that let itself be read.
      const isLoader = before === loaderName && nameOf(folder) === loaderName;
      (isLoader ? report.ofLoaders : report.ofOthers).push(`${what}: ${content}`);
    }
    if (name !== loaderName) done.add(pid);
  }
  report.ofOthers = [...new Set(report.ofOthers)];
}
fs.writeFileSync('/report.tmp', JSON.stringify(report));
fs.renameSync('/report.tmp', '/report');
