/**
 * The primitives of protobuf's wire format, on protobufjs' reader and writer. 64-bit values become numbers here,
 * whatever protobufjs would make of them.
 */
import protobuf from 'protobufjs/minimal.js';

// Without the optional package `long` 64-bit values are numbers. The same in a checkout, where it is installed
// beside protobufjs, and in a bundle, where it is not.
protobuf.util.Long = null as never; // protobufjs documents null, its declarations do not
protobuf.configure();

/** What `max` becomes in a uint64, and the number that stands for it. */
const largestUint64 = { low: -1, high: -1, unsigned: true };
const beyondUint64 = 2 ** 64;

/** Appends fields; {@link finish} returns them. */
export class Writer {
  private readonly writer = protobuf.Writer.create();

  tag(number: number, wireType: number): void {
    this.writer.uint32((number << 3) | wireType);
  }

  string(text: string): void {
    this.writer.string(text);
  }

  /** With their length before them. */
  bytes(data: Uint8Array): void {
    this.writer.bytes(data);
  }

  double(value: number): void {
    this.writer.double(value);
  }

  int64(value: number): void {
    this.writer.int64(value);
  }

  uint64(value: number): void {
    this.writer.uint64(value >= beyondUint64 ? largestUint64 : value); // {low, high} is not declared, but taken
  }

  finish(): Buffer {
    return this.writer.finish() as Buffer; // protobufjs makes Buffers under Node
  }
}

/** Reads fields one after the other. Throws RangeError at a broken end. */
export class Reader {
  private readonly reader: protobuf.Reader;

  constructor(data: Uint8Array) {
    const buffer = Buffer.isBuffer(data)
      ? data
      : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.reader = protobuf.Reader.create(buffer);
  }

  get atEnd(): boolean {
    return this.reader.pos >= this.reader.len;
  }

  uint32(): number {
    return this.reader.uint32();
  }

  int64(): number {
    return Number(this.reader.int64());
  }

  uint64(): number {
    return Number(this.reader.uint64());
  }

  double(): number {
    return this.reader.double();
  }

  /** Not by protobufjs' own `string()`, which reads short what was cut off. */
  string(): string {
    return (this.reader.bytes() as Buffer).toString('utf8'); // the reader was made from a Buffer
  }

  /** The bytes of a length-delimited field: a view, not a copy. */
  bytes(wireType: number): Buffer {
    if (wireType !== 2) throw new RangeError(`unexpected wire type ${wireType}`);
    return this.reader.bytes() as Buffer; // the reader was made from a Buffer
  }

  /** A reader of the message in a length-delimited field. */
  message(wireType: number): Reader {
    return new Reader(this.bytes(wireType));
  }

  skip(wireType: number): void {
    try {
      this.reader.skipType(wireType);
    } catch (error) {
      if (error instanceof RangeError) throw error;
      throw new RangeError(`invalid wire type ${wireType}`); // protobufjs throws a plain Error
    }
  }
}
