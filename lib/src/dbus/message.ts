/** Messages of D-Bus (D-Bus specification, "Message Format"). */
import { StackError } from '#spec/errors';
import { ValueWriter } from './marshal.ts';
import type { Value, Variant } from './signature.ts';
import { ValueReader } from './unmarshal.ts';

export const messageTypes = { call: 1, reply: 2, error: 3, signal: 4 } as const;
export type MessageType = keyof typeof messageTypes;

/** Fields of the header by name: their codes and types. */
const fields = {
  path: { code: 1, type: 'o' },
  interface: { code: 2, type: 's' },
  member: { code: 3, type: 's' },
  errorName: { code: 4, type: 's' },
  replySerial: { code: 5, type: 'u' },
  destination: { code: 6, type: 's' },
  sender: { code: 7, type: 's' },
  signature: { code: 8, type: 'g' },
} as const;

export interface Message {
  readonly type: MessageType;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  /** Of the body; absent for an empty one. */
  readonly signature?: string;
  readonly body: readonly Value[];
}

const protocolVersion = 1;
/** Byte order, type, flags, version, length of the body, serial, length of the fields. */
const fixedSize = 16;
/** The specification's limit of a whole message. */
const largestMessage = 128 * 1024 * 1024;

export function encodeMessage(message: Message): Buffer {
  const body = new ValueWriter().write(message.signature ?? '', message.body).finish();
  const header = Object.entries(fields).flatMap(([name, { code, type }]): Value[] => {
    const value = message[name as keyof typeof fields];
    return value === undefined ? [] : [[code, { signature: type, value } satisfies Variant]];
  });
  const head = new ValueWriter()
    .write('yyyyuua(yv)', [
      'l'.charCodeAt(0),
      messageTypes[message.type],
      0,
      protocolVersion,
      body.length,
      message.serial,
      header,
    ])
    .align(8);
  return Buffer.concat([head.finish(), body]);
}

/** The length of the message that begins `bytes`; undefined while too little of it is there. */
export function messageLength(bytes: Buffer): number | undefined {
  if (bytes.length < fixedSize) return undefined;
  const little = isLittleEndian(bytes);
  const read = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const head = fixedSize + read(12);
  const length = head + (-head & 7) + read(4);
  if (length > largestMessage) {
    throw new StackError('invalid_argument', `a message of D-Bus has ${length} bytes`);
  }
  return length;
}

/** A whole message. Throws invalid_argument for what is none. */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new ValueReader(bytes, isLittleEndian(bytes));
  const [, type, , , , serial, header] = reader.read('yyyyuua(yv)');
  reader.align(8);
  const found: Record<string, unknown> = {};
  for (const [code, variant] of header as [number, Variant][]) {
    const name = Object.entries(fields).find(([, field]) => field.code === code)?.[0];
    if (name !== undefined) found[name] = variant.value;
  }
  const name = Object.entries(messageTypes).find(([, number]) => number === type)?.[0];
  if (name === undefined) {
    throw new StackError('invalid_argument', 'a message of D-Bus has an unknown type');
  }
  const signature = typeof found['signature'] === 'string' ? found['signature'] : '';
  const start = reader.position;
  const body = new ValueReader(bytes.subarray(start), isLittleEndian(bytes)).read(signature);
  // Every field has the type that its peer, a D-Bus daemon, checks.
  return { ...found, type: name as MessageType, serial: serial as number, body };
}

function isLittleEndian(bytes: Buffer): boolean {
  const mark = String.fromCharCode(bytes[0] ?? 0);
  if (mark === 'l') return true;
  if (mark === 'B') return false;
  throw new StackError('invalid_argument', 'a message of D-Bus has no byte order');
}
