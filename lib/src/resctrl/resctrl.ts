/**
 * Intel RDT: shares of the L3 cache and of memory bandwidth, through the kernel's resctrl file system
 * (Documentation/filesystems/resctrl.rst). A group, called CLOS, is a directory with the files `schemata` and `tasks`.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseMountinfo } from '#lib/mounts/mountinfo';
import { errorCode, messageOf, StackError } from '#spec/errors';
import type { IntelRdt } from '#spec/oci/linux';

/** What a container has there; written to its state. */
export interface ResctrlGroup {
  /** Mount point of the file system. */
  readonly root: string;
  readonly directory: string;
  /** The directory exists for this container alone and goes with it. */
  readonly owned: boolean;
  /** Group that only counts what the container uses. */
  readonly monitoring?: string;
}

/** Where resctrl is mounted. Throws unavailable, in runc's words. `mountinfo` is for tests. */
export function findResctrl(
  mountinfo: string = fs.readFileSync('/proc/self/mountinfo', 'utf8'),
): string {
  const found = parseMountinfo(mountinfo).find(({ type }) => type === 'resctrl');
  if (found) return found.mountPoint;
  throw new StackError(
    'unavailable',
    'linux.intelRdt: intelRdt is specified in config, but Intel RDT is not enabled: resctrl mount point not found',
  );
}

/**
 * Makes or finds the group of the container `id` and sets its shares. Without `closID` the group is the container's
 * own; a group that is named without any shares must exist. Throws, with the kernel's own explanation.
 */
export function prepareResctrl(root: string, id: string, rdt: IntelRdt): ResctrlGroup {
  checkClosId(rdt.closID);
  const lines = schemataLines(rdt);
  checkEnabled(root, lines);
  const directory = path.join(root, rdt.closID || id);
  const monitoring = rdt.enableMonitoring ? path.join(directory, 'mon_groups', id) : undefined;
  const group: ResctrlGroup = {
    root,
    directory,
    owned: !rdt.closID,
    ...(monitoring !== undefined && { monitoring }),
  };
  let made = false;
  try {
    made = makeGroup(group, lines.length > 0);
    writeSchemata(group, lines);
    if (monitoring !== undefined) makeDirectory(root, monitoring);
    return group;
  } catch (error) {
    if (made) removeDirectory(directory);
    throw error;
  }
}

/** Puts the process `pid`, and what it will start, under the shares of `group`. */
export function joinResctrl({ root, directory, monitoring }: ResctrlGroup, pid: number): void {
  write(root, path.join(directory, 'tasks'), String(pid));
  // A task is counted in a group only while it belongs to the CLOS above it: this comes second.
  if (monitoring !== undefined) write(root, path.join(monitoring, 'tasks'), String(pid));
}

/** Other shares for a group that exists; those that are not named stay. */
export function updateResctrl(group: ResctrlGroup, rdt: IntelRdt): void {
  const lines = schemataLines(rdt);
  checkEnabled(group.root, lines);
  writeSchemata(group, lines);
}

/** Removes what belongs to the container alone. What is gone already is success. */
export function removeResctrl({ directory, owned, monitoring }: ResctrlGroup): void {
  if (monitoring !== undefined) removeDirectory(monitoring);
  if (owned) removeDirectory(directory);
}

function checkClosId(closID: string | undefined): void {
  if (closID === undefined) return;
  // The others are the file system's own directories.
  const reserved = ['.', '..', 'info', 'mon_groups', 'mon_data'];
  if (!reserved.includes(closID) && !/[/\n\0]/.test(closID)) return;
  throw new StackError(
    'invalid_argument',
    `linux.intelRdt.closID: invalid intelRdt.ClosID ${JSON.stringify(closID)}`,
  );
}

/** Lines for the file `schemata`. A line of memory bandwidth is taken from `memBwSchema`, if that has one. */
function schemataLines({ l3CacheSchema, memBwSchema, schemata = [] }: IntelRdt): string[] {
  const cache = lines(l3CacheSchema).filter((line) => !memBwSchema || !line.startsWith('MB:'));
  return [...cache, ...lines(memBwSchema), ...schemata.flatMap(lines)];
}

function lines(text = ''): string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** Which part of the hardware a kind of share needs, as directory below `info`. */
const needed: Readonly<Record<string, { directory: string; property: string; name: string }>> = {
  'L3:': { directory: 'L3', property: 'l3CacheSchema', name: 'Intel RDT/CAT' },
  'MB:': { directory: 'MB', property: 'memBwSchema', name: 'Intel RDT/MBA' },
};

function checkEnabled(root: string, wanted: readonly string[]): void {
  for (const [prefix, { directory, property, name }] of Object.entries(needed)) {
    if (!wanted.some((line) => line.startsWith(prefix))) continue;
    if (fs.existsSync(path.join(root, 'info', directory))) continue;
    throw new StackError(
      'unavailable',
      `linux.intelRdt.${property}: intelRdt.${property} is specified in config, but ${name} is not enabled`,
    );
  }
}

/** Whether the directory was made now. */
function makeGroup({ root, directory, owned }: ResctrlGroup, hasShares: boolean): boolean {
  if (!owned && !hasShares) {
    if (fs.existsSync(directory)) return false;
    throw new StackError(
      'not_found',
      `linux.intelRdt.closID: clos dir not accessible (must be pre-created when l3CacheSchema and memBwSchema are empty): ${directory}: no such file or directory`,
    );
  }
  return makeDirectory(root, directory);
}

function makeDirectory(root: string, directory: string): boolean {
  try {
    fs.mkdirSync(directory, 0o755);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw explained(root, error);
  }
}

/** All lines at once: the kernel takes them one after the other and stops at the first that is wrong. */
function writeSchemata({ root, directory }: ResctrlGroup, wanted: readonly string[]): void {
  if (wanted.length === 0) return;
  write(root, path.join(directory, 'schemata'), `${wanted.join('\n')}\n`);
}

function write(root: string, file: string, text: string): void {
  try {
    fs.writeFileSync(file, text, { flag: 'r+' }); // never made: the kernel has it, or there is no such group
  } catch (error) {
    throw explained(root, error);
  }
}

/** The kernel says in a file what was wrong with the last command. */
function explained(root: string, error: unknown): unknown {
  if (errorCode(error) === undefined) return error;
  const status = lastStatus(path.join(root, 'info/last_cmd_status'));
  const reason = status === '' || status === 'ok' ? '' : `, last_cmd_status: ${status}`;
  return new StackError('internal', `linux.intelRdt: ${messageOf(error)}${reason}`, {
    cause: error,
  });
}

function lastStatus(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return ''; // before Linux 4.14, or not mounted: the error itself is all there is
  }
}

function removeDirectory(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
