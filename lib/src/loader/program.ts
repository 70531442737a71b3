/**
 * Programs of system calls: what the loader executes and `runtime explain` prints.
 * A {@link Program} is a plain value; {@link ProgramBuilder} writes one, encode.ts turns it into the bytes the
 * loader maps, print.ts into text.
 */
import { StackError } from '#spec/errors';
import { DataSection, type Data, type DataItem, type StructFields } from './data.ts';
import type { SyscallName } from '#lib/sys/syscalls';

/** One of the 32 registers of 64 bits. All are 0 at the start, except {@link resultDescriptor}. */
export interface Register {
  readonly register: number;
}

/** What an operation works on: a constant, the address of data, or the content of a register. */
export type Operand = number | bigint | Data | Register;

/** Where an operation comes from; failures and printed programs say it. */
export interface Provenance {
  /** What the program is doing: `mount /proc`. */
  readonly stage: string;
  /** Property of config.json behind it: `mounts[3].destination`. */
  readonly property?: string;
}

/** The result a system call must have; anything else is a failure. */
export type Demand = 'nonnegative' | 'any' | number;

/** On this errno the program goes on at `target` (index of an operation). */
export interface ErrnoBranch {
  readonly errno: string;
  readonly target: number;
}

/** Repeats the call up to `times` times while it fails with `errno`. (EINTR is always retried, except for close.) */
export interface Retry {
  readonly errno: string;
  readonly times: number;
}

export interface SyscallOperation extends Provenance {
  readonly kind: 'syscall';
  readonly name: SyscallName;
  readonly args: readonly Operand[];
  readonly result?: Register;
  readonly demand: Demand;
  readonly onErrno: readonly ErrnoBranch[];
  readonly retry?: Retry;
}

/** `register = value`: SET for a constant, LEA for the address of data, a copy for a register. */
export interface MoveOperation extends Provenance {
  readonly kind: 'move';
  readonly register: Register;
  readonly value: Operand;
}

/** `register = *address`, 32 bits without sign or 64. The address must lie within the data. */
export interface LoadOperation extends Provenance {
  readonly kind: 'load';
  readonly register: Register;
  readonly address: Data | Register;
  readonly width: 32 | 64;
}

/** `*address = register`. The address must lie within the data. */
export interface StoreOperation extends Provenance {
  readonly kind: 'store';
  readonly register: Register;
  readonly address: Data | Register;
  readonly width: 32 | 64;
}

/** Goes to `target` if `(register & mask) == value`; a jump is a branch with mask 0 and value 0. */
export interface BranchOperation extends Provenance {
  readonly kind: 'branch';
  readonly register: Register;
  readonly mask: number | bigint;
  readonly value: number | bigint;
  readonly target: number;
}

/** Always fails, with `errno`: where a comparison showed what no errno says. */
export interface FailOperation extends Provenance {
  readonly kind: 'fail';
  readonly errno: string;
}

export type Operation =
  | SyscallOperation
  | MoveOperation
  | LoadOperation
  | StoreOperation
  | BranchOperation
  | FailOperation;

/** A descriptor that the program finds open when it starts. */
export interface PreparedDescriptor {
  readonly name: string;
  readonly number: number;
}

/** A finished program. Running off its end is `exit_group(0)`. */
export interface Program {
  readonly operations: readonly Operation[];
  /** Initial content of the data, which the program may change while it runs. */
  readonly data: Buffer;
  /** Offsets in `data` of 64-bit data offsets that become addresses once the data is mapped. */
  readonly relocations: readonly number[];
  /** What lies where in `data`, in order, for printing. */
  readonly items: readonly DataItem[];
  /** Descriptors 3 to 2 + preserved are handed to the program as they are (LISTEN_FDS, --preserve-fds). */
  readonly preserved: number;
  /** The loader reads the program from here and closes it. */
  readonly programDescriptor: number;
  /** Where a failure is reported at first; see {@link resultDescriptor}. */
  readonly resultDescriptor: number;
  readonly descriptors: readonly PreparedDescriptor[];
}

/**
 * Register 0 holds the descriptor that a failure record is written to. It starts as
 * {@link Program.resultDescriptor}; a program that hands over to another listener sets it (to the exec fifo).
 */
export const resultDescriptor: Register = { register: 0 };

/** First word of an encoded program, and first word of a failure record. */
export const programMagic = 0x31475250; // "PRG1"

/** How many registers the loader has. */
export const registerCount = 32;

/** How many errnos one system call can branch on. */
export const maximumErrnoBranches = 4;

/** A place in the program: made by {@link ProgramBuilder.label}, put somewhere by {@link ProgramBuilder.place}. */
export class Label {
  /** Index of the operation it stands before; undefined until it is placed. */
  target: number | undefined;
}

export interface SyscallOptions {
  /** Receives the result. */
  result?: Register | undefined;
  /** Default `nonnegative`. */
  demand?: Demand | undefined;
  onErrno?: ErrnoGoto | readonly ErrnoGoto[] | undefined;
  retry?: Retry | undefined;
}

export interface ErrnoGoto {
  errno: string;
  goto: Label;
}

export interface ProgramOptions {
  /** How many descriptors from 3 on belong to the program that is executed in the end; default 0. */
  preservedDescriptors?: number;
}

interface Draft {
  readonly operation: Operation;
  readonly labels: readonly Label[];
}

/** Writes a program, operation by operation. */
export class ProgramBuilder {
  readonly #section = new DataSection();
  readonly #drafts: Draft[] = [];
  readonly #descriptors: PreparedDescriptor[] = [];
  readonly #preserved: number;
  /** Operations whose first descriptor is known only when all are declared. */
  readonly #closing = new Set<number>();
  #provenance: Provenance = { stage: '' };
  #registers = 1; // register 0 is resultDescriptor

  constructor({ preservedDescriptors = 0 }: ProgramOptions = {}) {
    this.#preserved = preservedDescriptors;
  }

  /** Names what the following operations do, and forgets the property named before. */
  stage(name: string): this {
    this.#provenance = { stage: name };
    return this;
  }

  /** Names the property of config.json that the following operations come from; undefined for none. */
  from(property: string | undefined): this {
    const { stage } = this.#provenance;
    this.#provenance = property === undefined ? { stage } : { stage, property };
    return this;
  }

  /** A descriptor that is open from the start; whoever spawns the loader supplies it under this name. */
  descriptor(name: string): number {
    const existing = this.#descriptors.find((descriptor) => descriptor.name === name);
    if (existing) return existing.number;
    const number = this.firstOwnDescriptor + 2 + this.#descriptors.length;
    this.#descriptors.push({ name, number });
    return number;
  }

  /** Text with its final NUL; equal texts share one place. Throws invalid_argument for a NUL inside. */
  string(text: string): Data {
    if (text.includes('\0')) {
      throw new StackError('invalid_argument', `${JSON.stringify(text)} contains a NUL character`);
    }
    return this.#section.string(text);
  }

  /** Bytes, aligned to 8; every call gets a place of its own. */
  bytes(content: Uint8Array): Data {
    return this.#section.bytes(content);
  }

  /** `size` zero bytes, aligned to 8, for the kernel or the program to write to; `name` is how they are printed. */
  reserve(size: number, name = 'reserved'): Data {
    return this.#section.reserve(size, name);
  }

  /** An array of addresses ended by nothing: argv and envp need a final null. */
  pointers(targets: readonly (Data | null)[]): Data {
    return this.#section.pointers(targets);
  }

  /** A C structure, laid out with natural alignment: `struct('open_how', { flags: u64(O_PATH), … })`. */
  struct(name: string, fields: StructFields): Data {
    return this.#section.struct(name, fields);
  }

  /** A register of its own. Throws RangeError when all are in use. */
  register(): Register {
    if (this.#registers === registerCount) throw new RangeError('a program has 32 registers');
    return { register: this.#registers++ };
  }

  label(): Label {
    return new Label();
  }

  /** Puts `label` before the next operation. */
  place(label: Label): this {
    if (label.target !== undefined) throw new Error('a label is placed once');
    label.target = this.#drafts.length;
    return this;
  }

  syscall(name: SyscallName, args: readonly Operand[], options: SyscallOptions = {}): this {
    const { result, demand = 'nonnegative', onErrno = [], retry } = options;
    const branches = 'goto' in onErrno ? [onErrno] : onErrno;
    if (args.length > 6) throw new RangeError(`${name}: a system call has at most 6 arguments`);
    if (branches.length > maximumErrnoBranches) {
      throw new RangeError(`${name}: at most ${maximumErrnoBranches} errnos can be branched on`);
    }
    return this.#add(
      {
        ...this.#provenance,
        kind: 'syscall',
        name,
        args,
        ...(result && { result }),
        demand,
        onErrno: branches.map(({ errno }) => ({ errno, target: unplaced })),
        ...(retry && { retry }),
      },
      branches.map((branch) => branch.goto),
    );
  }

  /** SET: a constant (or another register's content) to a register. */
  set(register: Register, value: number | bigint | Register): this {
    return this.#add({ ...this.#provenance, kind: 'move', register, value });
  }

  /** LEA: the address of data to a register. */
  lea(register: Register, data: Data, offset = 0): this {
    return this.#add({ ...this.#provenance, kind: 'move', register, value: data.at(offset) });
  }

  /** Reads data at `offset`; 32 bits are extended without sign. With a register as address, `offset` is 0. */
  load(register: Register, address: Data | Register, offset: number, width: 32 | 64): this {
    const place = addressOf(address, offset, width);
    return this.#add({ ...this.#provenance, kind: 'load', register, address: place, width });
  }

  /** Writes data at `offset`. With a register as address, `offset` is 0. */
  store(register: Register, address: Data | Register, offset: number, width: 32 | 64): this {
    const place = addressOf(address, offset, width);
    return this.#add({ ...this.#provenance, kind: 'store', register, address: place, width });
  }

  branchEqual(register: Register, value: number | bigint, label: Label): this {
    return this.branchMasked(register, -1n, value, label);
  }

  /** Goes to `label` if `(register & mask) == value`. */
  branchMasked(
    register: Register,
    mask: number | bigint,
    value: number | bigint,
    label: Label,
  ): this {
    return this.#add(
      { ...this.#provenance, kind: 'branch', register, mask, value, target: unplaced },
      [label],
    );
  }

  jump(label: Label): this {
    return this.branchMasked(resultDescriptor, 0, 0, label);
  }

  /** Reports a failure and ends the process. */
  fail(errno: string): this {
    return this.#add({ ...this.#provenance, kind: 'fail', errno });
  }

  /** Closes every descriptor but the standard streams, the preserved, the prepared and the result descriptor. */
  closeUndeclared(): this {
    this.#closing.add(this.#drafts.length);
    return this.syscall('close_range', []);
  }

  /** The finished program. Throws if a label that is used was never placed. */
  build(): Program {
    const first = this.firstOwnDescriptor;
    const others = [first + 2 + this.#descriptors.length, lastDescriptor, 0];
    return {
      operations: this.#drafts
        .map(resolveLabels)
        .map((operation, index) =>
          this.#closing.has(index) ? { ...operation, args: others } : operation,
        ),
      ...this.#section.build(),
      preserved: this.#preserved,
      programDescriptor: first,
      resultDescriptor: first + 1,
      descriptors: [...this.#descriptors],
    };
  }

  /** Number of the first descriptor that is ours: 0-2 are standard streams, then come the preserved. */
  get firstOwnDescriptor(): number {
    return 3 + this.#preserved;
  }

  #add(operation: Operation, labels: readonly Label[] = []): this {
    this.#drafts.push({ operation, labels });
    return this;
  }
}

/** ~0U: close_range(2) closes up to there. */
export const lastDescriptor = 0xffffffff;

/** Stands for the target of a label until {@link ProgramBuilder.build}. */
const unplaced = -1;

function resolveLabels({ operation, labels }: Draft): Operation {
  if (labels.length === 0) return operation;
  const targets = labels.map(({ target }) => {
    if (target === undefined) throw new Error(`${operation.stage}: label used but never placed`);
    return target;
  });
  switch (operation.kind) {
    case 'branch':
      return { ...operation, target: targets[0] ?? unplaced };
    case 'syscall':
      return {
        ...operation,
        onErrno: operation.onErrno.map(({ errno }, index) => ({
          errno,
          target: targets[index] ?? unplaced,
        })),
      };
    default:
      return operation;
  }
}

function addressOf(address: Data | Register, offset: number, width: 32 | 64): Data | Register {
  if ('register' in address) {
    if (offset !== 0) throw new RangeError('an address in a register takes no offset');
    return address;
  }
  const place = address.at(offset);
  if (place.size < width / 8) throw new RangeError(`${width} bits at ${offset} exceed the data`);
  return place;
}
