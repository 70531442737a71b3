/** Netlink messages (struct nlmsghdr) and the kernel's answers to them. */
import { SyscallError } from '#lib/sys/libc';
import { parseAttributes, textOf } from './attribute.ts';

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

const NLMSGERR_ATTR_MSG = 1;
const headerBytes = 16;

/** One thing asked of the kernel. */
export interface NetlinkRequest {
  /** Message type: RTM_… or subsystem and NFT_MSG_…. */
  readonly type: number;
  /** NLM_F_CREATE and the like; REQUEST, ACK and DUMP are added by whoever sends it. */
  readonly flags?: number;
  /** Fixed header of the family and attributes. */
  readonly payload: Buffer;
  /** For errors: `create bridge`. */
  readonly operation: string;
  /** For errors: `"engine0"`. */
  readonly subject: string;
}

/** One message from the kernel. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** Port id of the socket that caused it. */
  readonly portId: number;
  readonly payload: Buffer;
}

/** The bytes of a message. `sequence` comes back in its answers. */
export function encodeMessage(
  { type, flags = 0, payload }: Pick<NetlinkRequest, 'type' | 'flags' | 'payload'>,
  sequence: number,
): Buffer {
  const length = headerBytes + payload.length;
  const message = Buffer.alloc((length + 3) & ~3);
  message.writeUInt32LE(length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  payload.copy(message, headerBytes);
  return message;
}

/** The messages of one datagram. */
export function parseMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset + headerBytes <= datagram.length) {
    const length = datagram.readUInt32LE(offset);
    if (length < headerBytes || offset + length > datagram.length) {
      throw new Error(
        `netlink message of ${length} bytes at offset ${offset} of ${datagram.length}`,
      );
    }
    messages.push({
      type: datagram.readUInt16LE(offset + 4),
      flags: datagram.readUInt16LE(offset + 6),
      sequence: datagram.readUInt32LE(offset + 8),
      portId: datagram.readUInt32LE(offset + 12),
      payload: datagram.subarray(offset + headerBytes, offset + length),
    });
    offset += (length + 3) & ~3;
  }
  return messages;
}

/**
 * The error of an NLMSG_ERROR (or of the NLMSG_DONE of a failed dump), undefined for an acknowledgement:
 * `create bridge "engine0": EEXIST`, with the kernel's own sentence where it sends one.
 */
export function errorOf(
  message: NetlinkMessage,
  { operation, subject }: Pick<NetlinkRequest, 'operation' | 'subject'>,
): SyscallError | undefined {
  const result = message.payload.length >= 4 ? message.payload.readInt32LE(0) : 0;
  if (result === 0) return undefined;
  const explanation = explanationOf(message);
  return new SyscallError(operation, -result, subject + (explanation && ` (${explanation})`));
}

/** NLMSGERR_ATTR_MSG: behind the error number and the request's header (and its payload unless capped). */
function explanationOf({ type, flags, payload }: NetlinkMessage): string {
  if ((flags & NLM_F_ACK_TLVS) === 0) return '';
  let offset = 4;
  if (type === NLMSG_ERROR) {
    const requestLength = payload.readUInt32LE(4);
    offset += (flags & NLM_F_CAPPED) === 0 ? (requestLength + 3) & ~3 : headerBytes;
  }
  const text = parseAttributes(payload.subarray(offset)).get(NLMSGERR_ATTR_MSG);
  return text ? textOf(text) : '';
}
