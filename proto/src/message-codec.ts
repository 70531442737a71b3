/** Encodes and decodes messages by the tables that scripts/generate.ts wrote (message.ts says what they mean). */
import { StackError } from '#spec/errors';
import type { AnyMessageType, EnumType, Field, FieldType, ScalarType } from './message.ts';
import { Reader, Writer } from './wire.ts';

type Value = unknown;
type Values = Record<string, Value>;

const wireTypes: Readonly<Record<ScalarType, number>> = {
  bool: 0,
  int32: 0,
  int64: 0,
  uint32: 0,
  uint64: 0,
  double: 1,
  bytes: 2,
  string: 2,
};

/** A message type that reads its table when it is first used. */
export class TableMessage {
  readonly typeName: string;
  private readonly table: () => readonly Field[];
  private cache: ReadonlyMap<number, Field> | undefined;

  constructor(typeName: string, table: () => readonly Field[]) {
    this.typeName = typeName;
    this.table = table;
  }

  encode(message: object): Buffer {
    const writer = new Writer();
    this.write(writer, message as Values); // an object is read by the names in the table only
    return writer.finish();
  }

  decode(data: Uint8Array): Values {
    try {
      return this.read(new Reader(data));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new StackError('invalid_argument', `not a ${this.typeName}: ${error.message}`, {
        cause: error,
      });
    }
  }

  write(writer: Writer, message: Values): void {
    for (const field of this.fields.values()) {
      const value = message[field[1]];
      if (value === undefined || value === null) continue;
      this.writeField(writer, field, value);
    }
  }

  read(reader: Reader): Values {
    const message = this.defaults();
    while (!reader.atEnd) {
      const tag = reader.uint32();
      const field = this.fields.get(tag >>> 3);
      if (field) readField(reader, tag & 7, field, message);
      else reader.skip(tag & 7);
    }
    return message;
  }

  private get fields(): ReadonlyMap<number, Field> {
    this.cache ??= new Map(this.table().map((field) => [field[0], field]));
    return this.cache;
  }

  private defaults(): Values {
    const message: Values = {};
    for (const [, name, type, cardinality] of this.fields.values()) {
      if (cardinality === 'repeated') message[name] = [];
      else if (cardinality === 'map') message[name] = {};
      else if (cardinality === undefined && !isMessage(type)) message[name] = defaultOf(type);
    }
    return message;
  }

  private writeField(writer: Writer, field: Field, value: Value): void {
    const [number, name, type, cardinality] = field;
    const path = `${this.typeName}.${name}`;
    if (cardinality === 'map') {
      for (const [key, entry] of Object.entries(value as Values)) {
        if (entry === undefined) continue;
        const inner = new Writer();
        inner.tag(1, 2);
        inner.string(key);
        writeValue(inner, 2, type, entry, path);
        writer.tag(number, 2);
        writer.bytes(inner.finish());
      }
    } else if (cardinality === 'repeated') {
      if (!Array.isArray(value)) throw wrongType(path, 'a list', value);
      if (isPackable(type) && value.length > 0) {
        const inner = new Writer();
        for (const element of value) writePlain(inner, type, element, path);
        writer.tag(number, 2);
        writer.bytes(inner.finish());
      } else {
        for (const element of value) writeValue(writer, number, type, element, path);
      }
    } else if (cardinality === 'optional' || isMessage(type) || !isDefault(type, value)) {
      writeValue(writer, number, type, value, path);
    }
  }
}

function writeValue(
  writer: Writer,
  number: number,
  type: FieldType,
  value: Value,
  path: string,
): void {
  if (isMessage(type)) {
    if (typeof value !== 'object' || value === null) throw wrongType(path, type.typeName, value);
    writer.tag(number, 2);
    writer.bytes(type.encode(value as never)); // an object is read by the names in the table only
    return;
  }
  writer.tag(number, typeof type === 'string' ? wireTypes[type] : 0);
  writePlain(writer, type, value, path);
}

function writePlain(writer: Writer, type: ScalarType | EnumType, value: Value, path: string): void {
  if (typeof type !== 'string') {
    const number = type.numbers[value as string];
    if (number === undefined) throw wrongType(path, `a ${type.enumName}`, value);
    writer.int64(number);
  } else if (type === 'string') {
    if (typeof value !== 'string') throw wrongType(path, 'text', value);
    writer.string(value);
  } else if (type === 'bytes') {
    if (!(value instanceof Uint8Array)) throw wrongType(path, 'bytes', value);
    writer.bytes(value);
  } else if (type === 'bool') {
    if (typeof value !== 'boolean') throw wrongType(path, 'true or false', value);
    writer.uint64(value ? 1 : 0);
  } else {
    if (typeof value !== 'number') throw wrongType(path, 'a number', value);
    if (type === 'double') {
      writer.double(value);
      return;
    }
    if (!Number.isInteger(value)) throw wrongType(path, 'a whole number', value);
    if (type === 'int32' || type === 'int64') writer.int64(value);
    else if (value < 0) throw wrongType(path, 'a number from 0', value);
    else writer.uint64(value);
  }
}

function readField(reader: Reader, wireType: number, field: Field, message: Values): void {
  const [, name, type, cardinality] = field;
  if (cardinality === 'map') {
    const [key, value] = readEntry(reader.message(wireType), type);
    // Not by assignment: a key may be named __proto__.
    Object.defineProperty(message[name], key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else if (cardinality === 'repeated') {
    const list = message[name] as Value[];
    if (wireType === 2 && isPackable(type)) {
      const packed = reader.message(wireType);
      while (!packed.atEnd) list.push(readValue(packed, plainWireType(type), type));
    } else {
      list.push(readValue(reader, wireType, type));
    }
  } else {
    message[name] = readValue(reader, wireType, type);
  }
}

/** A map's entry is a message with the key in field 1 and the value in field 2, either of which may be left out. */
function readEntry(reader: Reader, type: FieldType): [key: string, value: Value] {
  let key = '';
  let value: Value = isMessage(type) ? type.decode(new Uint8Array()) : defaultOf(type);
  while (!reader.atEnd) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) key = readValue(reader, tag & 7, 'string') as string;
    else if (tag >>> 3 === 2) value = readValue(reader, tag & 7, type);
    else reader.skip(tag & 7);
  }
  return [key, value];
}

function readValue(reader: Reader, wireType: number, type: FieldType): Value {
  if (isMessage(type)) return type.decode(reader.bytes(wireType));
  if (wireType !== plainWireType(type)) throw new RangeError(`unexpected wire type ${wireType}`);
  if (typeof type !== 'string') return nameOf(type, reader.int64());
  switch (type) {
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes(wireType);
    case 'bool':
      return reader.uint64() !== 0;
    case 'double':
      return reader.double();
    case 'int32':
    case 'int64':
      return reader.int64();
    case 'uint32':
      return reader.uint32();
    case 'uint64':
      return reader.uint64();
  }
}

/** Numbers that a newer peer added count as the enum's zero, which says `unknown` or `default` everywhere. */
function nameOf(type: EnumType, number: number): string {
  const names = Object.keys(type.numbers);
  return (
    names.find((name) => type.numbers[name] === number) ??
    names.find((name) => type.numbers[name] === 0) ??
    ''
  );
}

function defaultOf(type: ScalarType | EnumType): Value {
  if (typeof type !== 'string') return nameOf(type, 0);
  if (type === 'string') return '';
  if (type === 'bytes') return Buffer.alloc(0);
  return type === 'bool' ? false : 0;
}

function isDefault(type: ScalarType | EnumType, value: Value): boolean {
  if (type === 'bytes') return value instanceof Uint8Array && value.length === 0;
  return value === defaultOf(type);
}

function isMessage(type: FieldType): type is AnyMessageType {
  return typeof type === 'object' && 'typeName' in type;
}

function isPackable(type: FieldType): type is ScalarType | EnumType {
  return !isMessage(type) && type !== 'string' && type !== 'bytes';
}

function plainWireType(type: ScalarType | EnumType): number {
  return typeof type === 'string' ? wireTypes[type] : 0;
}

function wrongType(path: string, wanted: string, value: Value): StackError {
  return new StackError('invalid_argument', `${path} must be ${wanted}, not ${String(value)}`);
}
