/**
 * The part of protobuf (proto2) that criu's RPC uses: varints, strings, nested messages and repetitions of them. A
 * message is described by a schema, a plain value, from which its type follows.
 */
import { StackError } from '#spec/errors';

/** `int` covers int32, uint32 and enumerations. */
export type FieldType = 'int' | 'bool' | 'text' | Schema;

/** A field by its number in the .proto file. */
export interface Field {
  readonly number: number;
  readonly type: FieldType;
  readonly repeated?: true;
}

/** The fields of a message by name. */
export interface Schema {
  readonly [name: string]: Field;
}

type Scalar<T extends FieldType> = T extends 'int'
  ? number
  : T extends 'bool'
    ? boolean
    : T extends 'text'
      ? string
      : T extends Schema
        ? Message<T>
        : never;

/** A message of `S`; what is absent was not set. */
export type Message<S extends Schema> = {
  readonly [Name in keyof S]?: S[Name]['repeated'] extends true
    ? readonly Scalar<S[Name]['type']>[]
    : Scalar<S[Name]['type']>;
};

const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

export function encodeMessage<S extends Schema>(schema: S, message: Message<S>): Buffer {
  const chunks: Buffer[] = [];
  for (const [name, field] of Object.entries(schema)) {
    const value: unknown = message[name];
    if (value === undefined) continue;
    for (const element of field.repeated ? (value as unknown[]) : [value]) {
      chunks.push(encodeField(field, element));
    }
  }
  return Buffer.concat(chunks);
}

/** `value` has the type of the field: encodeMessage's parameter says so. */
function encodeField({ number, type }: Field, value: unknown): Buffer {
  if (type === 'int' || type === 'bool') {
    return Buffer.concat([
      varint((BigInt(number) << 3n) | BigInt(wireTypes.varint)),
      varint(BigInt(value as number | boolean)),
    ]);
  }
  const content =
    type === 'text'
      ? Buffer.from(value as string)
      : encodeMessage(type, value as Message<typeof type>);
  return Buffer.concat([
    varint((BigInt(number) << 3n) | BigInt(wireTypes.bytes)),
    varint(BigInt(content.length)),
    content,
  ]);
}

/** Negative numbers are 64 bits wide, ten bytes. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** Fields that `schema` does not have are skipped. Throws internal for bytes that are no message. */
export function decodeMessage<S extends Schema>(schema: S, bytes: Buffer): Message<S> {
  const fieldByNumber = new Map(
    Object.entries(schema).map(([name, field]) => [field.number, { name, ...field }]),
  );
  const message: Record<string, unknown> = {};
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const { number, content } = reader.field();
    const field = fieldByNumber.get(number);
    if (!field) continue;
    const value = decodeValue(field.type, content);
    if (field.repeated) ((message[field.name] ??= []) as unknown[]).push(value);
    else message[field.name] = value;
  }
  // Every value was made as its field demands.
  return message as Message<S>;
}

function decodeValue(type: FieldType, content: bigint | Buffer): unknown {
  if (typeof content === 'bigint') {
    if (type === 'int') return Number(BigInt.asIntN(64, content));
    if (type === 'bool') return content !== 0n;
  } else {
    if (type === 'text') return content.toString();
    if (typeof type === 'object') return decodeMessage(type, content);
  }
  throw malformed();
}

class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  field(): { number: number; content: bigint | Buffer } {
    const key = this.#varint();
    const number = Number(key >> 3n);
    switch (Number(key & 7n)) {
      case wireTypes.varint:
        return { number, content: this.#varint() };
      case wireTypes.bytes:
        return { number, content: this.#take(Number(this.#varint())) };
      case wireTypes.fixed64:
        return { number, content: this.#take(8) };
      case wireTypes.fixed32:
        return { number, content: this.#take(4) };
      default:
        throw malformed();
    }
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw malformed();
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw malformed();
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}

function malformed(): StackError {
  return new StackError('internal', 'criu sent what is no protobuf message of its interface');
}
