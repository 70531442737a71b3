import { expect } from 'chai';
import {
  add,
  block,
  constant,
  get,
  isAtLeast,
  leave,
  leaveIf,
  load8,
  loop,
  set,
  store32,
  webAssemblyModule,
} from '#lib/assembler/web-assembly';

interface Exports {
  readonly run: (from: number, count: number) => void;
  readonly memory: { readonly buffer: ArrayBuffer };
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Exports };
};

describe('webAssemblyModule', () => {
  it('runs loops over its memory, with numbers of every length', () => {
    const [from, count, sum, index] = [0, 1, 2, 3] as const;
    const bytes = webAssemblyModule({
      ...{ parameters: 2, numbers: 2, vectors: 0, pages: 2 },
      code: [
        set(sum, constant(-70_000)),
        block(
          loop(
            leaveIf(1, isAtLeast(get(index), get(count))),
            set(sum, add(get(sum), load8(add(get(from), get(index)), 300))),
            set(index, add(get(index), constant(1))),
            leave(0),
          ),
        ),
        store32(constant(100_000), get(sum), 4),
      ].flat(),
    });
    const { run, memory } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    const view = Buffer.from(memory.buffer);
    expect(view.length).to.equal(2 * 65_536);
    view.fill(200, 310, 1310);
    run(10, 1000);
    expect(view.readInt32LE(100_004)).to.equal(130_000);
  });
});
