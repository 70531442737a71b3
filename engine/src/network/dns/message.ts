/** Messages of the DNS (RFC 1035), as far as a server for the names of containers needs them. */
import { ipv4Bytes, parseIpv4 } from '#lib/netlink/ipv4';
import { formatIpv6, ipv6Bytes, parseIpv6 } from '#lib/netlink/ipv6';

export const recordTypes = { A: 1, PTR: 12, AAAA: 28, ANY: 255 } as const;
export const responseCodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
} as const;

const classInternet = 1;
const headerBytes = 12;
const flagResponse = 0x8000;
const flagAuthoritative = 0x0400;
const flagTruncated = 0x0200;
const flagRecursionDesired = 0x0100;
const flagRecursionAvailable = 0x0080;
const opcodeMask = 0x7800;

export interface Question {
  readonly id: number;
  /** Lower case, without the last dot. */
  readonly name: string;
  readonly type: number;
  readonly isInternet: boolean;
  readonly recursionDesired: boolean;
  /** The question's bytes, to be repeated in the answer. */
  readonly section: Buffer;
}

/** The question of a query with exactly one; undefined for whatever is not one. */
export function parseQuestion(message: Buffer): Question | undefined {
  if (message.length < headerBytes) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & flagResponse) !== 0 || (flags & opcodeMask) !== 0) return undefined;
  if (message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let offset = headerBytes;
  for (;;) {
    const length = message[offset];
    // A question of its own has nothing before it that a pointer (0xc0) could mean.
    if (length === undefined || length > 63) return undefined;
    offset++;
    if (length === 0) break;
    if (offset + length > message.length || labels.length > 127) return undefined;
    labels.push(message.toString('latin1', offset, offset + length));
    offset += length;
  }
  if (offset + 4 > message.length) return undefined;
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.').toLowerCase(),
    type: message.readUInt16BE(offset),
    isInternet: message.readUInt16BE(offset + 2) === classInternet,
    recursionDesired: (flags & flagRecursionDesired) !== 0,
    section: message.subarray(headerBytes, offset + 4),
  };
}

/** What one record of an answer holds; its name is the question's. */
export type Answer = { readonly address: string } | { readonly name: string };

/** An answer of our own. */
export function encodeAnswer(
  question: Question,
  answers: readonly Answer[],
  code: number = responseCodes.noError,
): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(question.id, 0);
  const desired = question.recursionDesired ? flagRecursionDesired : 0;
  const authority = answers.length > 0 ? flagAuthoritative : 0;
  header.writeUInt16BE(flagResponse | authority | desired | flagRecursionAvailable | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  return Buffer.concat([header, question.section, ...answers.map(record)]);
}

/** Cuts an answer that is too long for UDP down to its header and question, so that the client asks by TCP. */
export function truncateAnswer(question: Question): Buffer {
  const answer = encodeAnswer(question, []);
  answer.writeUInt16BE(answer.readUInt16BE(2) | flagTruncated, 2);
  return answer;
}

/** The address that the name of a reverse question stands for; undefined for other names. */
export function reversedAddress(name: string): string | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (match) return match.slice(1).reverse().join('.');
  const [, nibbles = ''] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  if (nibbles === '') return undefined;
  const digits = nibbles.split('.').reverse().join('');
  return formatIpv6(BigInt(`0x${digits}`));
}

/** As docker's. */
const ttlSeconds = 600;
/** Where the question's name stands in every message. */
const namePointer = 0xc000 | headerBytes;

function record(answer: Answer): Buffer {
  const [type, data] = contentOf(answer);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(namePointer, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(classInternet, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function contentOf(answer: Answer): [type: number, data: Buffer] {
  if ('name' in answer) return [recordTypes.PTR, encodeName(answer.name)];
  const { address } = answer;
  return address.includes(':')
    ? [recordTypes.AAAA, ipv6Bytes(parseIpv6(address))]
    : [recordTypes.A, ipv4Bytes(parseIpv4(address))];
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => {
      const bytes = Buffer.from(label, 'latin1').subarray(0, 63);
      return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    }),
    Buffer.alloc(1),
  ]);
}
