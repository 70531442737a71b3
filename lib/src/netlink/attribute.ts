/**
 * Netlink attributes (struct nlattr, also called rtattr): length, type, payload, padded to 4 bytes.
 * rtnetlink carries numbers in the machine's order, nf_tables in network order; both of our architectures
 * are little endian.
 */

const headerBytes = 4;
const NLA_F_NESTED = 0x8000;
/** The two top bits of a type are flags. */
const NLA_TYPE_MASK = 0x3fff;

/** Payloads by attribute type. */
export type AttributeMap = ReadonlyMap<number, Buffer>;

/** An attribute with a payload as it is. */
export function bytesAttribute(type: number, payload: Buffer): Buffer {
  const length = headerBytes + payload.length;
  const attribute = Buffer.alloc(align4(length));
  attribute.writeUInt16LE(length, 0);
  attribute.writeUInt16LE(type, 2);
  payload.copy(attribute, headerBytes);
  return attribute;
}

/** Text that ends with a zero byte. */
export function textAttribute(type: number, text: string): Buffer {
  return bytesAttribute(type, Buffer.from(`${text}\0`));
}

/** 32 bits in the machine's order. */
export function u32Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value >>> 0);
  return bytesAttribute(type, payload);
}

/** 32 bits in network order. Negative numbers (verdicts, priorities) become their two's complement. */
export function be32Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value >>> 0);
  return bytesAttribute(type, payload);
}

/** 64 bits in network order. */
export function be64Attribute(type: number, value: bigint): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(value);
  return bytesAttribute(type, payload);
}

/** An attribute that holds attributes. */
export function nestedAttribute(type: number, ...children: readonly Buffer[]): Buffer {
  return bytesAttribute(type | NLA_F_NESTED, Buffer.concat(children));
}

/** Attributes in their order, types without flags. A malformed rest is an Error: the kernel does not send it. */
export function parseAttributeList(data: Buffer): { type: number; payload: Buffer }[] {
  const attributes: { type: number; payload: Buffer }[] = [];
  let offset = 0;
  while (offset + headerBytes <= data.length) {
    const length = data.readUInt16LE(offset);
    if (length < headerBytes || offset + length > data.length) {
      throw new Error(`netlink attribute of ${length} bytes at offset ${offset} of ${data.length}`);
    }
    attributes.push({
      type: data.readUInt16LE(offset + 2) & NLA_TYPE_MASK,
      payload: data.subarray(offset + headerBytes, offset + length),
    });
    offset += align4(length);
  }
  return attributes;
}

/** Attributes by type; the last one wins where a type is repeated. */
export function parseAttributes(data: Buffer): AttributeMap {
  return new Map(parseAttributeList(data).map(({ type, payload }) => [type, payload]));
}

/** Text without its zero byte. */
export function textOf(payload: Buffer): string {
  const end = payload.indexOf(0);
  return payload.toString('utf8', 0, end < 0 ? payload.length : end);
}

function align4(length: number): number {
  return (length + 3) & ~3;
}
