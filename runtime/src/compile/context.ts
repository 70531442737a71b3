/** What the parts of the compiler share: the program being written, and registers to borrow. */
import { u64, type Data } from '#lib/loader/data';
import { ProgramBuilder, type Register } from '#lib/loader/program';
import { StackError } from '#spec/errors';
import { AT_FDCWD, O_CLOEXEC } from './kernel-constants.ts';

/** A descriptor that is kept in the program's data, because there are more of them than registers. */
export interface DescriptorSlot {
  readonly slot: Data;
}

/** Extends the builder by what every part needs; one per program. */
export class CompileContext {
  readonly program: ProgramBuilder;
  readonly #free: Register[] = [];
  readonly #openHows = new Map<string, Data>();

  constructor(preservedDescriptors: number) {
    this.program = new ProgramBuilder({ preservedDescriptors });
  }

  /** Lends a register for the operations that `write` adds. */
  borrow(write: (register: Register) => void): void {
    const register = this.#free.pop() ?? this.program.register();
    write(register);
    this.#free.push(register);
  }

  /** Stores a descriptor for later and leaves the register free. */
  keep(register: Register): DescriptorSlot {
    const slot = this.program.reserve(8);
    this.program.store(register, slot, 0, 64);
    return { slot };
  }

  /** Loads a kept descriptor for the operations that `write` adds. */
  withKept({ slot }: DescriptorSlot, write: (register: Register) => void): void {
    this.borrow((register) => {
      this.program.load(register, slot, 0, 64);
      write(register);
    });
  }

  /** Opens a path of the host; the descriptor is kept. */
  openHost(path: string, flags: number): DescriptorSlot {
    let slot: DescriptorSlot | undefined;
    this.borrow((fd) => {
      this.program.syscall('openat', [AT_FDCWD, this.program.string(path), flags | O_CLOEXEC, 0], {
        result: fd,
      });
      slot = this.keep(fd);
    });
    if (!slot) throw new Error('borrow() calls back at once');
    return slot;
  }

  close(register: Register): void {
    this.program.syscall('close', [register]);
  }

  /** A `struct open_how`; equal ones share a place. */
  openHow(flags: number, resolve: number, mode = 0): Data {
    const key = `${flags}:${resolve}:${mode}`;
    let data = this.#openHows.get(key);
    if (!data) {
      data = this.program.struct('open_how', {
        flags: u64(flags | O_CLOEXEC),
        mode: u64(mode),
        resolve: u64(resolve),
      });
      this.#openHows.set(key, data);
    }
    return data;
  }

  /** A buffer that several parts may use as scratch, none for longer than its own operations. */
  readonly scratch = once(() => this.program.reserve(256));

  /** The empty path that AT_EMPTY_PATH goes with. */
  readonly emptyPath = once(() => this.program.string(''));
}

/** Refuses a property that config.json may have and this runtime does not implement yet. */
export function notImplemented(property: string, detail = ''): never {
  throw new StackError('unimplemented', `${property}${detail && ` ${detail}`} is not implemented`);
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
