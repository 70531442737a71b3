/** Values as the bytes of a message, little-endian (D-Bus specification, "Marshaling (Wire Format)"). */
import { StackError } from '#spec/errors';
import { alignmentOf, completeTypes, fieldTypes, type Value, type Variant } from './signature.ts';

/** Writes values one after the other; alignment counts from the first byte. */
export class ValueWriter {
  #bytes = Buffer.alloc(256);
  #length = 0;

  /** One value per complete type. Throws invalid_argument for a value that is not of its type. */
  write(signature: string, values: readonly Value[]): this {
    const types = completeTypes(signature);
    if (types.length !== values.length) {
      throw new StackError(
        'invalid_argument',
        `"${signature}" takes ${types.length} values, got ${values.length}`,
      );
    }
    types.forEach((type, index) => this.#value(type, values[index] ?? ''));
    return this;
  }

  align(boundary: number): this {
    this.#reserve(-this.#length & (boundary - 1));
    return this;
  }

  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #value(type: string, value: Value): void {
    this.align(alignmentOf(type));
    switch (type[0]) {
      case 'y':
        this.#put(1, (bytes, at) => bytes.writeUInt8(number(type, value), at));
        break;
      case 'n':
        this.#put(2, (bytes, at) => bytes.writeInt16LE(number(type, value), at));
        break;
      case 'q':
        this.#put(2, (bytes, at) => bytes.writeUInt16LE(number(type, value), at));
        break;
      case 'i':
        this.#put(4, (bytes, at) => bytes.writeInt32LE(number(type, value), at));
        break;
      case 'u':
        this.#put(4, (bytes, at) => bytes.writeUInt32LE(number(type, value), at));
        break;
      case 'b':
        if (typeof value !== 'boolean') throw mismatch(type, value);
        this.#put(4, (bytes, at) => bytes.writeUInt32LE(value ? 1 : 0, at));
        break;
      case 'x':
        this.#put(8, (bytes, at) => bytes.writeBigInt64LE(bigint(type, value), at));
        break;
      case 't':
        this.#put(8, (bytes, at) => bytes.writeBigUInt64LE(bigint(type, value), at));
        break;
      case 'd':
        this.#put(8, (bytes, at) => bytes.writeDoubleLE(number(type, value), at));
        break;
      case 's':
      case 'o':
        this.#text(text(type, value), 4);
        break;
      case 'g':
        this.#text(text(type, value), 1);
        break;
      case 'v':
        this.#variant(value);
        break;
      case 'a':
        this.#array(type.slice(1), value);
        break;
      default:
        this.#fields(type, value);
    }
  }

  #text(value: string, lengthSize: 1 | 4): void {
    const bytes = Buffer.from(value);
    if (bytes.includes(0)) throw mismatch('s', value);
    this.#put(lengthSize, (target, at) => target.writeUIntLE(bytes.length, at, lengthSize));
    this.#put(bytes.length + 1, (target, at) => bytes.copy(target, at)); // and a zero byte
  }

  #variant(value: Value): void {
    if (!isVariant(value)) throw mismatch('v', value);
    if (completeTypes(value.signature).length !== 1) throw mismatch('v', value);
    this.#text(value.signature, 1);
    this.#value(value.signature, value.value);
  }

  /** The length counts from the first element, not the padding before it. */
  #array(type: string, value: Value): void {
    const lengthAt = this.#reserve(4);
    this.align(alignmentOf(type));
    const start = this.#length;
    if (value instanceof Uint8Array && type === 'y') {
      this.#put(value.length, (target, at) => target.set(value, at));
    } else {
      if (!Array.isArray(value)) throw mismatch(`a${type}`, value);
      for (const element of value as readonly Value[]) this.#value(type, element);
    }
    this.#bytes.writeUInt32LE(this.#length - start, lengthAt);
  }

  #fields(type: string, value: Value): void {
    const types = fieldTypes(type);
    if (!Array.isArray(value) || value.length !== types.length) throw mismatch(type, value);
    types.forEach((field, index) => this.#value(field, (value as readonly Value[])[index] ?? ''));
  }

  /** Appends `size` bytes, which `write` fills. */
  #put(size: number, write: (bytes: Buffer, at: number) => void): void {
    const at = this.#reserve(size); // may replace the buffer
    write(this.#bytes, at);
  }

  /** Appends `size` zero bytes and returns where they begin. */
  #reserve(size: number): number {
    const start = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.alloc(2 * this.#length);
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    return start;
  }
}

function number(type: string, value: Value): number {
  if (typeof value === 'number') return value;
  throw mismatch(type, value);
}

function bigint(type: string, value: Value): bigint {
  if (typeof value === 'bigint') return value;
  throw mismatch(type, value);
}

function text(type: string, value: Value): string {
  if (typeof value === 'string') return value;
  throw mismatch(type, value);
}

export function isVariant(value: Value): value is Variant {
  return typeof value === 'object' && 'signature' in value;
}

function mismatch(type: string, value: unknown): StackError {
  const shown = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
  return new StackError('invalid_argument', `${shown} is no value of the D-Bus type "${type}"`);
}
