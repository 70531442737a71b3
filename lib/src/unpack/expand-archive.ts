/**
 * Archives that users hand over, in any compression that docker knows: beside gzip and zstd, xz and bzip2. Those two are
 * taken off by the programs of their names, as dockerd does with xz: what they unpack costs a process of its own and no
 * time of a daemon's. Layers of registries never come this way.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { StackError, errorCode } from '#spec/errors';
import { decompress } from './decompress.ts';
import { peek } from './peek.ts';

type Program = 'xz' | 'bzip2';

const magics: readonly (readonly [Program, Buffer])[] = [
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['bzip2', Buffer.from('BZh')],
];

/** The longest end of a program's messages that is repeated. */
const shownBytes = 1024;

/** `source` without any compression. Throws invalid_argument for what is damaged, unavailable where a program is missing. */
export async function* expandArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  yield* decompress(expandByProgram(source));
}

/** `source` as it is, but without xz or bzip2. Throws as {@link expandArchive}. */
export async function* expandByProgram(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { start, rest } = await peek(source, 6);
  const program = magics.find(([, magic]) => start.subarray(0, magic.length).equals(magic))?.[0];
  if (program === undefined) yield* rest;
  else yield* throughProgram(program, rest);
}

async function* throughProgram(
  program: Program,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const child = spawn(program, ['-d', '-c', '-q'], { stdio: 'pipe' });
  let messages = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages = (messages + text).slice(-shownBytes);
  });
  const ended = endOf(child);
  ended.catch(() => undefined); // looked at below
  const input = Readable.from(source, { objectMode: false });
  let failure: Error | undefined;
  input.once('error', (error) => {
    failure = error; // whoever sends has gone; the program shall not take what came for all
    child.kill('SIGKILL');
  });
  child.stdin.on('error', () => input.destroy()); // it has ended early, and says why
  input.pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Buffer>; // no encoding is set
    const status = await ended;
    if (failure) throw failure;
    if (status === 0) return;
    const reason = messages.trim() || `exit status ${status ?? 'unknown'}`;
    throw new StackError('invalid_argument', `damaged ${program} data: ${reason}`);
  } finally {
    input.destroy();
    child.stdout.destroy();
    child.kill('SIGKILL');
    await ended.catch(() => undefined); // said above; no process is left
  }
}

/** Rejects with unavailable where there is no such program. */
function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (error) => {
      const reason =
        errorCode(error) === 'ENOENT' ? 'executable file not found in $PATH' : error.message;
      reject(
        new StackError('unavailable', `exec: "${child.spawnfile}": ${reason}`, { cause: error }),
      );
    });
  });
}
