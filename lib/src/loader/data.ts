/** The data of a program: strings, buffers, pointer arrays and C structures, each at a fixed offset. */

/** A place in the data of a program; as an operand it becomes the place's address. */
export class Data {
  /** In bytes from the start of the program's data. */
  readonly offset: number;
  /** Bytes from `offset` on that belong to it. */
  readonly size: number;
  readonly #fields: ReadonlyMap<string, Data>;

  constructor(offset: number, size: number, fields: ReadonlyMap<string, Data> = new Map()) {
    this.offset = offset;
    this.size = size;
    this.#fields = fields;
  }

  /** What remains of it from `offset` on. Throws RangeError outside. */
  at(offset: number): Data {
    if (offset < 0 || offset > this.size) throw new RangeError(`${offset} lies outside the data`);
    return offset === 0 ? this : new Data(this.offset + offset, this.size - offset);
  }

  /** A field of a structure by its name. */
  field(name: string): Data {
    const field = this.#fields.get(name);
    if (!field) throw new RangeError(`structure without field "${name}"`);
    return field;
  }
}

/** A field of a C structure: a number of 1 to 8 bytes, or a pointer. */
export interface StructField {
  readonly size: 1 | 2 | 4 | 8;
  readonly value: bigint | Data | null;
}

/** Fields in the order of the structure; JavaScript keeps it as long as no name is a number. */
export type StructFields = Readonly<Record<string, StructField>>;

export const u8 = (value: number): StructField => ({ size: 1, value: BigInt(value) });
export const u16 = (value: number): StructField => ({ size: 2, value: BigInt(value) });
export const u32 = (value: number): StructField => ({ size: 4, value: BigInt(value) });
export const u64 = (value: number | bigint): StructField => ({ size: 8, value: BigInt(value) });
/** The address of `target`, or a null pointer. */
export const pointer = (target: Data | null): StructField => ({ size: 8, value: target });

/** What lies at a place of the data, for printing. */
export type DataItem = { readonly offset: number; readonly size: number } & (
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'bytes' | 'pointers' }
  | { readonly kind: 'reserved'; readonly name: string }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: readonly DataField[] }
);

export interface DataField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Its content is an address. */
  readonly pointer: boolean;
}

/** Collects the data of one program. */
export class DataSection {
  readonly #chunks: Buffer[] = [];
  readonly #items: DataItem[] = [];
  readonly #relocations: number[] = [];
  readonly #strings = new Map<string, Data>();
  #size = 0;

  string(text: string): Data {
    let data = this.#strings.get(text);
    if (!data) {
      const { offset, size } = this.#append(Buffer.from(`${text}\0`));
      this.#items.push({ offset, size, kind: 'string', text });
      data = new Data(offset, size);
      this.#strings.set(text, data);
    }
    return data;
  }

  bytes(content: Uint8Array): Data {
    const { offset, size } = this.#append(Buffer.from(content));
    this.#items.push({ offset, size, kind: 'bytes' });
    return new Data(offset, size);
  }

  reserve(length: number, name: string): Data {
    const { offset, size } = this.#append(Buffer.alloc(length));
    this.#items.push({ offset, size, kind: 'reserved', name });
    return new Data(offset, size);
  }

  pointers(targets: readonly (Data | null)[]): Data {
    const content = Buffer.alloc(8 * targets.length);
    const { offset, size } = this.#append(content);
    targets.forEach((target, index) => {
      this.#writePointer(content, 8 * index, offset, target);
    });
    this.#items.push({ offset, size, kind: 'pointers' });
    return new Data(offset, size);
  }

  struct(name: string, members: StructFields): Data {
    const layout = layOut(members);
    const content = Buffer.alloc(layout.size);
    const { offset, size } = this.#append(content);
    const fields: DataField[] = [];
    const places = new Map<string, Data>();
    for (const [field, { at, size: width, value }] of layout.fields) {
      const isPointer = value === null || value instanceof Data;
      if (isPointer) this.#writePointer(content, at, offset, value);
      else writeNumber(content, at, width, value);
      fields.push({ name: field, offset: offset + at, size: width, pointer: isPointer });
      places.set(field, new Data(offset + at, width));
    }
    this.#items.push({ offset, size, kind: 'struct', name, fields });
    return new Data(offset, size, places);
  }

  build(): { data: Buffer; items: readonly DataItem[]; relocations: readonly number[] } {
    return {
      data: Buffer.concat(this.#chunks),
      items: [...this.#items],
      relocations: [...this.#relocations],
    };
  }

  #writePointer(content: Buffer, at: number, base: number, target: Data | null): void {
    if (target === null) return; // stays zero and is not relocated
    content.writeBigUInt64LE(BigInt(target.offset), at);
    this.#relocations.push(base + at);
  }

  /** Everything is aligned to 8 bytes, as the widest field of any kernel structure wants it. */
  #append(content: Buffer): { offset: number; size: number } {
    const offset = this.#size;
    const padding = Buffer.alloc(-content.length & 7);
    this.#chunks.push(content, padding);
    this.#size += content.length + padding.length;
    return { offset, size: content.length };
  }
}

/** Natural alignment, as C compilers lay out the kernel's structures on both architectures. */
function layOut(members: StructFields) {
  let size = 0;
  const fields = Object.entries(members).map(([name, field]) => {
    const at = (size + field.size - 1) & -field.size;
    size = at + field.size;
    return [name, { ...field, at }] as const;
  });
  const alignment = Math.max(1, ...fields.map(([, field]) => field.size));
  return { fields, size: (size + alignment - 1) & -alignment };
}

function writeNumber(content: Buffer, at: number, size: StructField['size'], value: bigint): void {
  const bits = size * 8;
  if (BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, value) !== value) {
    throw new RangeError(`${value} does not fit into ${bits} bits`);
  }
  let rest = BigInt.asUintN(bits, value);
  for (let index = 0; index < size; index++, rest >>= 8n) content[at + index] = Number(rest & 255n);
}
