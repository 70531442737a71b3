/**
 * A conversation with `criu swrk 3`: one request over a seqpacket socket, any number of notifications that criu waits
 * to have answered, one answer.
 *
 *   we ── request ──▶ criu        DUMP, PRE_DUMP, RESTORE, FEATURE_CHECK, VERSION
 *   we ◀─ NOTIFY ──── criu        post-dump, setup-namespaces, post-restore, orphan-pts-master (with a descriptor), …
 *   we ── NOTIFY ───▶ criu        notify_success
 *   we ◀─ answer ──── criu        success, or errno and message; the rest stands in its log
 *
 * All calls block: nothing else is to be done meanwhile.
 */
import fs from 'node:fs';
import path from 'node:path';
import { receiveMessage, sequencedPacketPair } from '#lib/sys/descriptor-socket';
import { duplicateAbove, memfdCreate } from '#lib/sys/memfd';
import { posixSpawn, waitPid } from '#lib/sys/posix-spawn';
import { errorCode, StackError } from '#spec/errors';
import { errorLines } from './error-lines.ts';
import {
  request as requestSchema,
  requestTypes,
  response as responseSchema,
  type CriuFeatures,
  type CriuNotification,
  type CriuRequest,
  type CriuResponse,
} from './rpc.ts';
import { decodeMessage, encodeMessage } from './wire.ts';

/** What becomes descriptors 0 and 1 of criu; 2 is kept for its complaints and 3 for the conversation. */
const socketNumber = 3;
const firstPassed = 4;
const largestAnswer = 65_536;

export interface SessionOptions {
  /** What criu finds as its stdin and stdout; /dev/null without it. */
  readonly stdio?: readonly [stdin: number, stdout: number];
  /** Further descriptors; the first is number {@link passedDescriptor}(0) in criu. */
  readonly passed?: readonly number[];
  /** Called with criu's pid before the request is sent; may still change the request. */
  readonly prepare?: (pid: number) => Partial<CriuRequest['opts']>;
  /** Called for everything criu reports. `descriptor` is the receiver's to close. */
  readonly onNotify?: (notification: CriuNotification, descriptor: number | undefined) => void;
}

/** The number that the descriptor `passed[index]` has in criu. */
export function passedDescriptor(index: number): number {
  return firstPassed + index;
}

/** criu said no. `message` has the request and its errno; what criu says itself stands in its log, or here. */
export class CriuError extends StackError {
  override readonly name = 'CriuError';
  /** Errors in its answer, or that it printed before it had a log. */
  readonly complaints: readonly string[];

  constructor(message: string, complaints: readonly string[]) {
    super('internal', message);
    this.complaints = complaints;
  }
}

/** Throws not_found where there is no criu, and {@link CriuError}. */
export function askCriu(request: CriuRequest, options: SessionOptions = {}): CriuResponse {
  const executable = findCriu();
  const { stdio, passed = [], prepare, onNotify } = options;
  const nothing = fs.openSync('/dev/null', 'r+');
  const complaints = memfdCreate('criu-stderr');
  const [ours, theirs] = sequencedPacketPair();
  const temporary = [nothing, complaints, theirs];
  let pid: number | undefined;
  try {
    const [stdin, stdout] = stdio ?? [nothing, nothing];
    const wanted = [stdin, stdout, complaints, theirs, ...passed];
    // dup2 would overwrite sources that lie among the targets.
    const descriptors = wanted.map((source, number) => {
      if (source === number || source >= wanted.length) return [source, number] as const;
      const copy = duplicateAbove(source, wanted.length);
      temporary.push(copy);
      return [copy, number] as const;
    });
    pid = posixSpawn({
      path: executable,
      argv: ['criu', 'swrk', String(socketNumber)],
      environment: Object.entries(process.env).map(([name, value = '']) => `${name}=${value}`),
      descriptors,
    });
    fs.closeSync(theirs); // so that its death ends the conversation
    temporary.splice(temporary.indexOf(theirs), 1);
    const opts = { ...request.opts, ...prepare?.(pid) };
    send(ours, Object.keys(opts).length > 0 ? { ...request, opts } : request);
    return converse(ours, complaints, onNotify);
  } finally {
    fs.closeSync(ours);
    if (pid !== undefined) waitPid(pid);
    for (const fd of temporary) fs.closeSync(fd);
  }
}

function converse(
  socket: number,
  complaints: number,
  onNotify: SessionOptions['onNotify'],
): CriuResponse {
  while (true) {
    const { data, descriptor } = receive(socket);
    if (data.length === 0) throw failure('criu ended without an answer', complaints);
    const answer = decodeMessage(responseSchema, data);
    if (answer.type === requestTypes.NOTIFY && answer.success) {
      onNotify?.(answer.notify ?? {}, descriptor);
      send(socket, { type: requestTypes.NOTIFY, notify_success: true });
      continue;
    }
    if (answer.success) return answer;
    const name = Object.entries(requestTypes).find(([, type]) => type === answer.type)?.[0];
    const attempt = `criu failed: type ${name ?? String(answer.type)} errno ${answer.cr_errno ?? 0}`;
    throw failure(attempt, complaints, answer.cr_errmsg);
  }
}

/** No data when criu is gone. */
function receive(socket: number): ReturnType<typeof receiveMessage> {
  try {
    return receiveMessage(socket, largestAnswer);
  } catch (error) {
    // It ended without reading what we asked. The error is told once; then comes what it may have said.
    if (errorCode(error) !== 'ECONNRESET') throw error;
    return receiveMessage(socket, largestAnswer);
  }
}

function send(socket: number, request: CriuRequest): void {
  try {
    fs.writeSync(socket, encodeMessage(requestSchema, request));
  } catch (error) {
    // Its end of the conversation is gone: what it printed says why, and the next read sees the end.
    if (errorCode(error) !== 'EPIPE') throw error;
  }
}

function failure(message: string, complaints: number, answer = ''): CriuError {
  const printed = Buffer.alloc(65_536);
  const length = fs.readSync(complaints, printed, 0, printed.length, 0);
  return new CriuError(message, errorLines(`${printed.toString('utf8', 0, length)}\n${answer}`));
}

/** Of criu in one number, as criu itself compares them: 31701 for 3.17.1. */
export function criuVersion(): number {
  const { version } = askCriu({ type: requestTypes.VERSION });
  const { major_number: major = 0, minor_number: minor = 0, sublevel = 0 } = version ?? {};
  return major * 10_000 + minor * 100 + sublevel;
}

/** Throws unimplemented naming the feature that criu or this kernel does not have. */
export function requireFeature(name: keyof CriuFeatures): void {
  const { features } = askCriu({ type: requestTypes.FEATURE_CHECK, features: { [name]: true } });
  if (features?.[name]) return;
  throw new StackError('unimplemented', `criu is missing features: ${name}`);
}

/** Throws not_found with the words that callers of runc know. */
function findCriu(): string {
  for (const folder of (process.env.PATH ?? '/usr/sbin:/usr/bin').split(':')) {
    const file = path.join(folder, 'criu');
    try {
      fs.accessSync(file, fs.constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  throw new StackError('not_found', 'exec: "criu": executable file not found in $PATH');
}
