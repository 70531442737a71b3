/** `engine cp` */
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { StackError, isStackError } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean } from '../command-line/flags.ts';
import {
  absolutePath,
  followedLink,
  planCopy,
  splitCopyArgument,
  splitPath,
  type CopyPlace,
} from '../copy/copy-path.ts';
import { CopyProgress } from '../copy/copy-progress.ts';
import { archiveOf, localSource } from '../copy/local-source.ts';
import { localTarget, unpackInto } from '../copy/local-target.ts';
import { renameEntries } from '../copy/rename-entries.ts';
import { writeOutput } from '../terminal/output-file.ts';

interface CopyFlags {
  archive: boolean;
  'follow-link': boolean;
  quiet: boolean;
}

/** A path of a container. */
interface ContainerPath {
  container: string;
  path: string;
}

export const cp = defineCommand({
  synopsis: `[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-
	engine cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH`,
  description: `Copy files/folders between a container and the local filesystem

Use '-' as the source to read a tar archive from stdin
and extract it to a directory destination in a container.
Use '-' as the destination to stream a tar archive of a
container source to stdout.`,
  arguments: { min: 2, max: 2 },
  flags: {
    archive: boolean('Archive mode (copy all uid/gid information)', 'a'),
    'follow-link': boolean('Always follow symbol link in SRC_PATH', 'L'),
    quiet: boolean(
      'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached',
      'q',
    ),
  },
  async run({ client }, flags, [source = '', target = '']) {
    if (source === '') throw invalid('source can not be empty');
    if (target === '') throw invalid('destination can not be empty');
    const from = splitCopyArgument(source);
    const to = splitCopyArgument(target);
    if (from.container !== '' && to.container !== '') {
      throw invalid('copying between containers is not supported');
    }
    if (from.container !== '') await copyOut(client, from, to.path, flags);
    else if (to.container !== '') await copyIn(client, from.path, to, flags);
    else throw invalid('must specify at least one container source');
    return 0;
  },
});

async function copyOut(
  client: EngineClient,
  from: ContainerPath,
  given: string,
  flags: CopyFlags,
): Promise<void> {
  const target = given === '-' ? given : absolutePath(given);
  if (target !== '-') checkTarget(target);
  let { path: sourcePath } = from;
  let rebaseName: string | undefined;
  if (flags['follow-link']) {
    const stat = await statOrNothing(client, from);
    if (stat?.isLink === true) {
      const linkTarget = path.posix.resolve('/', splitPath(sourcePath).folder, stat.linkTarget);
      ({ path: sourcePath, rebaseName } = followedLink(sourcePath, linkTarget));
    }
  }
  const response = await client.stream('GET', archivePath(from.container), {
    query: { path: sourcePath },
  });
  if (target === '-') {
    await writeOutput(response, undefined);
    return;
  }
  const { isDirectory } = decodeStat(response.headers['x-docker-container-path-stat']);
  const source: CopyPlace = { path: sourcePath, exists: true, isDirectory, rebaseName };
  const progress = new CopyProgress('Copying from container - ', flags.quiet);
  const counted = progress.count(response as AsyncIterable<Buffer>);
  // A link that was followed arrives under its own name first.
  const named = rebaseName === undefined ? source : { ...source, path: rebased(source) };
  const archive =
    rebaseName === undefined
      ? counted
      : renameEntries(counted, { from: splitPath(sourcePath).base, to: rebaseName });
  const { folder, rename } = planCopy({ ...named, rebaseName: undefined }, localTarget(target));
  await unpackInto(folder, rename ? renameEntries(archive, rename) : archive);
  progress.finish(target);
}

function rebased({ path: at, rebaseName = '' }: CopyPlace): string {
  return path.posix.join(splitPath(at).folder, rebaseName);
}

async function copyIn(
  client: EngineClient,
  given: string,
  to: ContainerPath,
  flags: CopyFlags,
): Promise<void> {
  const target = await containerTarget(client, to);
  const progress = new CopyProgress('Copying to container - ', flags.quiet || given === '-');
  let folder = target.path;
  let archive: AsyncIterable<Buffer> | Iterable<Buffer>;
  if (given === '-') {
    if (!target.isDirectory) {
      throw invalid(`destination "${to.container}:${to.path}" must be a directory`);
    }
    archive = process.stdin as AsyncIterable<Buffer>;
  } else {
    const source = localSource(absolutePath(given), flags['follow-link']);
    const plan = planCopy(source, target);
    ({ folder } = plan);
    const onWarning = (warning: string): void => void process.stderr.write(`WARNING: ${warning}\n`);
    const packed = Readable.from(archiveOf(source, { onWarning })) as AsyncIterable<Buffer>;
    archive = plan.rename ? renameEntries(packed, plan.rename) : packed;
  }
  await client.json('PUT', archivePath(to.container), {
    query: {
      path: folder,
      noOverwriteDirNonDir: 'true',
      copyUIDGID: flags.archive ? 'true' : undefined,
    },
    upload: Readable.from(progress.count(archive), { objectMode: false }),
  });
  progress.finish(`${to.container}:${target.path}`);
}

/** A link at the end is followed once: what it names is the target, there or not. */
async function containerTarget(client: EngineClient, to: ContainerPath): Promise<CopyPlace> {
  const found = await statOrNothing(client, to);
  const isLink = found?.isLink === true;
  const at = isLink
    ? path.posix.resolve('/', splitPath(to.path).folder, found.linkTarget)
    : to.path;
  const stat = isLink ? await statOrNothing(client, { ...to, path: at }) : found;
  if (stat && !stat.isDirectory && !stat.isFile) {
    throw invalid(`destination "${to.container}:${to.path}" must be a directory or a regular file`);
  }
  return { path: at, exists: stat !== undefined, isDirectory: stat?.isDirectory ?? false };
}

interface PathStat {
  isDirectory: boolean;
  isLink: boolean;
  isFile: boolean;
  linkTarget: string;
}

async function statPath(
  client: EngineClient,
  { container, path }: ContainerPath,
): Promise<PathStat> {
  const response = await client.stream('HEAD', archivePath(container), { query: { path } });
  response.resume();
  return decodeStat(response.headers['x-docker-container-path-stat']);
}

/** Undefined where nothing can be told; what is wrong there the copy itself hears, in the daemon's words. */
async function statOrNothing(
  client: EngineClient,
  place: ContainerPath,
): Promise<PathStat | undefined> {
  try {
    return await statPath(client, place);
  } catch (error) {
    if (!isStackError(error)) throw error;
    return undefined;
  }
}

/** Bits of Go's os.FileMode. */
const mode = { directory: 2 ** 31, link: 2 ** 27, type: 0x8f280000 } as const;

function decodeStat(header: string | string[] | undefined): PathStat {
  const text = Buffer.from(String(header), 'base64').toString();
  const stat = JSON.parse(text) as { mode: number; linkTarget?: string }; // the API's shape
  const has = (bit: number): boolean => Math.floor(stat.mode / bit) % 2 === 1;
  return {
    isDirectory: has(mode.directory),
    isLink: has(mode.link),
    isFile: (stat.mode & mode.type) === 0,
    linkTarget: stat.linkTarget ?? '',
  };
}

function archivePath(container: string): string {
  return `/containers/${container}/archive`;
}

function checkTarget(target: string): void {
  const folder = path.dirname(target);
  if (!fs.existsSync(folder)) {
    throw invalid(`invalid output path: directory "${folder}" does not exist`);
  }
  const status = fs.statSync(target, { throwIfNoEntry: false });
  if (status && !status.isDirectory() && !status.isFile()) {
    throw invalid(`invalid output path: "${target}" must be a directory or a regular file`);
  }
}

function invalid(reason: string): StackError {
  return new StackError('invalid_argument', reason);
}
