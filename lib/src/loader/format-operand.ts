/** Operands as text: `"proc"`, `5 <rootfs>`, `O_PATH|O_CLOEXEC`, `{ flags: O_RDONLY, … }`, `r3`. */
import { AT_FDCWD } from '#lib/sys/flags';
import { Data, type DataItem } from './data.ts';
import type { Operand, Program, Register } from './program.ts';
import { structFormats, type ArgumentFormat, type NamedValues } from './signatures.ts';

/** An operand as people read it. `format` is what the system call says about the argument. */
export function formatOperand(program: Program, operand: Operand, format?: ArgumentFormat): string {
  if (operand instanceof Data) return formatData(program, operand.offset);
  if (typeof operand === 'object') return `r${operand.register}`;
  return formatNumber(program, BigInt(operand), format ?? 'number');
}

/** What a load or store touches: `execFifo@64`, `message.tag`. */
export function formatAddress(program: Program, address: Data | Register): string {
  if (!(address instanceof Data)) return `[r${address.register}]`;
  const { offset } = address;
  const item = program.items.find((place) => offset >= place.offset && offset < endOf(place));
  if (!item) return `data+${offset}`;
  const field =
    item.kind === 'struct' ? item.fields.find((place) => place.offset === offset) : undefined;
  if (field) return `${formatPlace(item)}.${field.name}`;
  const beyond = offset - item.offset;
  return beyond === 0 ? formatPlace(item) : `${formatPlace(item)}+${beyond}`;
}

function formatNumber(program: Program, value: bigint, format: ArgumentFormat): string {
  if (typeof format === 'object') return formatNamed(value, format);
  switch (format) {
    case 'fd':
      return formatDescriptor(program, Number(value));
    case 'mode':
      return `0${value.toString(8)}`;
    case 'hex':
      return `0x${BigInt.asUintN(64, value).toString(16)}`;
    case 'data': // a pointer that points nowhere
      return value === 0n ? 'NULL' : value.toString();
    case 'number':
      return value.toString();
  }
}

function formatDescriptor(program: Program, number: number): string {
  if (number === AT_FDCWD) return 'AT_FDCWD';
  const prepared = program.descriptors.find((descriptor) => descriptor.number === number);
  return prepared ? `${number} <${prepared.name}>` : number.toString();
}

function formatNamed(value: bigint, { names, exclusive = false }: NamedValues): string {
  const entries = Object.entries(names).map(([name, bits]) => [name, BigInt(bits)] as const);
  const exact = entries.find(([, bits]) => bits === value);
  if (exact) return exact[0];
  if (exclusive) return value.toString();
  let rest = BigInt.asUintN(64, value);
  const parts: string[] = [];
  for (const [name, bits] of entries) {
    if (bits === 0n || (rest & bits) !== bits) continue;
    parts.push(name);
    rest &= ~bits;
  }
  // What has no name: a mode's file type, the signal in clone's lowest byte.
  if (rest !== 0n || parts.length === 0) parts.push(rest === 0n ? '0' : `0x${rest.toString(16)}`);
  return parts.join('|');
}

/** What lies at `offset` of the data. */
function formatData(program: Program, offset: number): string {
  const item = program.items.find((place) => offset >= place.offset && offset < endOf(place));
  if (!item) return `data+${offset}`;
  if (item.kind === 'string') return JSON.stringify(item.text.slice(offset - item.offset));
  if (item.offset !== offset) return `${formatPlace(item)}+${offset - item.offset}`;
  switch (item.kind) {
    case 'struct':
      return formatStruct(program, item);
    case 'pointers':
      return `[${pointersOf(program, item).join(', ')}]`;
    case 'bytes':
    case 'reserved':
      return formatPlace(item);
  }
}

/** Where the next item may begin: everything is aligned to 8 bytes. */
function endOf({ offset, size }: DataItem): number {
  return offset + Math.max(8, size);
}

function formatPlace(item: DataItem): string {
  switch (item.kind) {
    case 'struct':
      return item.name;
    case 'reserved':
      return `${item.name}@${item.offset}`;
    default:
      return `${item.kind}[${item.size}]@${item.offset}`;
  }
}

function formatStruct(program: Program, item: DataItem & { kind: 'struct' }): string {
  const formats = structFormats[item.name] ?? {};
  const fields = item.fields.flatMap(({ name, offset, size, pointer }) => {
    if (pointer) return [`${name}: ${formatPointer(program, offset)}`];
    const value = readNumber(program.data, offset, size);
    return value === 0n
      ? []
      : [`${name}: ${formatNumber(program, value, formats[name] ?? 'number')}`];
  });
  return `${item.name} {${fields.length > 0 ? ` ${fields.join(', ')} ` : ''}}`;
}

function pointersOf(program: Program, item: DataItem): string[] {
  const count = item.size / 8;
  return Array.from({ length: count }, (_, index) =>
    formatPointer(program, item.offset + 8 * index),
  );
}

function formatPointer(program: Program, at: number): string {
  if (!program.relocations.includes(at)) return 'NULL';
  return formatData(program, Number(readNumber(program.data, at, 8)));
}

function readNumber(data: Buffer, offset: number, size: number): bigint {
  const signed = size < 8; // -1 in an int, but large flag words in 64 bits
  return signed ? BigInt(data.readIntLE(offset, size)) : data.readBigUInt64LE(offset);
}
