import { expect } from 'chai';
import fc from 'fast-check';
import { FrameReader } from '../../src/client/stream-frames.ts';

function frame(stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

describe('FrameReader', () => {
  it('gives back what was framed, wherever the chunks are cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 40 })));
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 })), (parts, cuts) => {
        const got: Record<string, Buffer[]> = { stdout: [], stderr: [] };
        const reader = new FrameReader((stream, payload) =>
          got[stream]?.push(Buffer.from(payload)),
        );
        let wire = Buffer.concat(
          parts.map(([stream, payload]) => frame(stream, Buffer.from(payload))),
        );
        for (const cut of cuts) {
          reader.push(wire.subarray(0, cut));
          wire = wire.subarray(cut);
        }
        reader.push(wire);
        for (const [number, name] of [
          [1, 'stdout'],
          [2, 'stderr'],
        ] as const) {
          const sent = parts
            .filter(([stream]) => stream === number)
            .map(([, payload]) => Buffer.from(payload));
          expect(Buffer.concat(got[name] ?? []).equals(Buffer.concat(sent))).to.equal(true);
        }
      }),
    );
  });

  it('reports an error frame of the daemon, and an unknown stream', () => {
    const reader = new FrameReader(() => undefined);
    expect(() => reader.push(frame(3, Buffer.from('boom')))).to.throw('boom');
    expect(() => new FrameReader(() => undefined).push(frame(9, Buffer.from('x')))).to.throw(
      'unrecognized stream 9',
    );
  });
});
