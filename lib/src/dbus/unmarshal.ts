/** The bytes of a message as values, in either byte order. */
import { StackError } from '#spec/errors';
import { alignmentOf, completeTypes, fieldTypes, type Value, type Variant } from './signature.ts';

/** Variants in variants; the signature of one says nothing about those inside. */
const deepestVariants = 32;

/** Reads values one after the other; alignment counts from the first byte. */
export class ValueReader {
  readonly #bytes: Buffer;
  readonly #littleEndian: boolean;
  #position = 0;
  #variants = 0;

  constructor(bytes: Buffer, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#littleEndian = littleEndian;
  }

  get position(): number {
    return this.#position;
  }

  /** Throws invalid_argument for bytes that are no such values. */
  read(signature: string): Value[] {
    return completeTypes(signature).map((type) => this.#value(type));
  }

  align(boundary: number): void {
    this.#take(-this.#position & (boundary - 1));
  }

  #value(type: string): Value {
    this.align(alignmentOf(type));
    const little = this.#littleEndian;
    switch (type[0]) {
      case 'y':
        return this.#take(1).readUInt8();
      case 'n':
        return little ? this.#take(2).readInt16LE() : this.#take(2).readInt16BE();
      case 'q':
        return little ? this.#take(2).readUInt16LE() : this.#take(2).readUInt16BE();
      case 'i':
        return little ? this.#take(4).readInt32LE() : this.#take(4).readInt32BE();
      case 'u':
        return this.#length();
      case 'b':
        return this.#length() !== 0;
      case 'x':
        return little ? this.#take(8).readBigInt64LE() : this.#take(8).readBigInt64BE();
      case 't':
        return little ? this.#take(8).readBigUInt64LE() : this.#take(8).readBigUInt64BE();
      case 'd':
        return little ? this.#take(8).readDoubleLE() : this.#take(8).readDoubleBE();
      case 's':
      case 'o':
        return this.#text(this.#length());
      case 'g':
        return this.#text(this.#take(1).readUInt8());
      case 'v':
        return this.#variant();
      case 'a':
        return this.#array(type.slice(1));
      default:
        return fieldTypes(type).map((field) => this.#value(field));
    }
  }

  #length(): number {
    return this.#littleEndian ? this.#take(4).readUInt32LE() : this.#take(4).readUInt32BE();
  }

  #text(length: number): string {
    const bytes = this.#take(length + 1);
    if (bytes[length] !== 0) throw malformed('a text does not end with a zero byte');
    return bytes.toString('utf8', 0, length);
  }

  #variant(): Variant {
    if (++this.#variants > deepestVariants) throw malformed('variants are nested too deeply');
    const signature = this.#text(this.#take(1).readUInt8());
    const [type, ...more] = completeTypes(signature);
    if (type === undefined || more.length > 0) throw malformed('a variant holds one value');
    const value = this.#value(type);
    this.#variants--;
    return { signature, value };
  }

  #array(type: string): Value {
    const length = this.#length();
    this.align(alignmentOf(type));
    if (type === 'y') return new Uint8Array(this.#take(length));
    const end = this.#position + length;
    const elements: Value[] = [];
    while (this.#position < end) elements.push(this.#value(type));
    if (this.#position !== end) throw malformed('an array ends inside an element');
    return elements;
  }

  #take(length: number): Buffer {
    const end = this.#position + length;
    if (end > this.#bytes.length) throw malformed('it ends too early');
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}

function malformed(reason: string): StackError {
  return new StackError('invalid_argument', `a message of D-Bus is malformed: ${reason}`);
}
