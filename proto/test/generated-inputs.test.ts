import { expect } from 'chai';
import fc from 'fast-check';
import { StackError } from '#spec/errors';
import { Container } from '#proto/generated/containerd.services.containers.v1';
import { WriteContentRequest } from '#proto/generated/containerd.services.content.v1';
import { CreateTaskRequest } from '#proto/generated/containerd.services.tasks.v1';
import { ImageStore } from '#proto/generated/containerd.types.transfer';
import { Request } from '#proto/generated/ttrpc';
import { encodeFrame, FrameReader } from '#proto/ttrpc-frame';
import { Writer } from '#proto/wire';

/** Fields as a peer of another version, or an attacker, may send them. */
const field = fc.tuple(
  fc.integer({ min: 1, max: 12 }),
  fc.oneof(fc.nat(), fc.string({ maxLength: 20 }), fc.uint8Array({ maxLength: 40 })),
);

function encode(fields: readonly (readonly [number, number | string | Uint8Array])[]): Buffer {
  const writer = new Writer();
  for (const [number, value] of fields) {
    writer.tag(number, typeof value === 'number' ? 0 : 2);
    if (typeof value === 'number') writer.int64(value);
    else if (typeof value === 'string') writer.string(value);
    else writer.bytes(value);
  }
  return writer.finish();
}

for (const type of [Container, CreateTaskRequest, ImageStore, Request, WriteContentRequest]) {
  describe(`${type.typeName} with generated input`, () => {
    const tryDecode = (bytes: Uint8Array) => {
      try {
        type.decode(bytes);
      } catch (error) {
        expect(error).to.be.instanceOf(StackError).and.to.include({ kind: 'invalid_argument' });
      }
    };

    it('is decoded from any bytes, or refused', () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), tryDecode), { numRuns: 500 });
    });

    it('is decoded from any fields, or refused, whole or cut off', () => {
      fc.assert(
        fc.property(fc.array(field, { maxLength: 8 }), fc.nat(200), (fields, end) => {
          tryDecode(encode(fields));
          tryDecode(encode(fields).subarray(0, end));
        }),
        { numRuns: 500 },
      );
    });
  });
}

describe('FrameReader with generated input', () => {
  const frame = fc.record({
    streamId: fc.nat(0xffff_ffff),
    type: fc.nat(255),
    flags: fc.nat(255),
    data: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  });

  it('finds all frames, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.integer({ min: 1, max: 30 }),
        (frames, size) => {
          const bytes = Buffer.concat(frames.map(encodeFrame));
          const reader = new FrameReader();
          const found = [];
          for (let at = 0; at < bytes.length; at += size) {
            found.push(...reader.push(bytes.subarray(at, at + size)));
          }
          expect(found).to.deep.equal(frames);
        },
      ),
    );
  });

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (chunks) => {
        const reader = new FrameReader();
        for (const chunk of chunks) Array.from(reader.push(Buffer.from(chunk)));
      }),
    );
  });
});
