import { expect } from 'chai';
import fc from 'fast-check';
import { socketPath } from '#lib/dbus/address';
import { ValueWriter } from '#lib/dbus/marshal';
import { decodeMessage, encodeMessage, messageLength } from '#lib/dbus/message';
import { completeTypes, type Value } from '#lib/dbus/signature';
import { ValueReader } from '#lib/dbus/unmarshal';

const write = (signature: string, ...values: Value[]) =>
  new ValueWriter().write(signature, values).finish();

/** A type with a value of it. */
const typed: fc.Arbitrary<[string, Value]> = fc.letrec<{ any: [string, Value] }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.tuple(fc.constant('y'), fc.integer({ min: 0, max: 255 })),
    fc.tuple(fc.constant('n'), fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })),
    fc.tuple(fc.constant('u'), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    fc.tuple(fc.constant('x'), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    fc.tuple(fc.constant('t'), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    fc.tuple(fc.constant('b'), fc.boolean()),
    fc.tuple(fc.constant('d'), fc.double({ noNaN: true })),
    fc.tuple(
      fc.constant('s'),
      fc.string().filter((text) => !text.includes('\0')),
    ),
    tie('any').map(([signature, value]): [string, Value] => ['v', { signature, value }]),
    fc
      .tuple(tie('any'), fc.nat(4))
      .map(([[type, value], count]): [string, Value] =>
        type === 'y'
          ? ['ay', new Uint8Array(count)]
          : [`a${type}`, Array<Value>(count).fill(value)],
      ),
    fc
      .array(tie('any'), { minLength: 1, maxLength: 4 })
      .map((fields): [string, Value] => [
        `(${fields.map(([type]) => type).join('')})`,
        fields.map(([, value]) => value),
      ]),
  ),
})).any;

describe('values of D-Bus', () => {
  it('lie on multiples of their size', () => {
    expect(write('yu', 1, 2)).to.deep.equal(Buffer.from([1, 0, 0, 0, 2, 0, 0, 0]));
    expect(write('s', 'ab')).to.deep.equal(Buffer.from([2, 0, 0, 0, 97, 98, 0]));
    // The padding before the first element does not count, and is there for an empty array, too.
    expect(write('at', [])).to.deep.equal(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0]));
    expect(write('yat', 7, [1n])).to.deep.equal(
      Buffer.from([7, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
    );
    expect(write('v', { signature: 'u', value: 5 })).to.deep.equal(
      Buffer.from([1, 117, 0, 0, 5, 0, 0, 0]),
    );
  });

  it('come back as they were, however many', () => {
    fc.assert(
      fc.property(fc.array(typed, { maxLength: 4 }), fc.nat(600), (all, before) => {
        const signature = `s${all.map(([type]) => type).join('')}`;
        if (signature.length > 200) return;
        const values = ['x'.repeat(before), ...all.map(([, value]) => value)];
        const reader = new ValueReader(write(signature, ...values), true);
        expect(reader.read(signature)).to.deep.equal(values);
      }),
    );
  });

  it('are read in the other byte order, too', () => {
    const bytes = Buffer.from([0, 0, 0, 2, 97, 98, 0, 0, 0, 1, 0xff, 0xfe]);
    expect(new ValueReader(bytes, false).read('sqn')).to.deep.equal(['ab', 1, -2]);
  });

  it('are refused where they are not of their type', () => {
    const wrong: [string, Value][] = [
      ['u', 'text'],
      ['t', 5],
      ['s', 'a\0b'],
      ['v', 5],
      ['as', 'text'],
      ['(su)', ['a']],
      ['b', 1],
    ];
    for (const [signature, value] of wrong) {
      expect(() => write(signature, value), signature).to.throw('is no value of the D-Bus type');
    }
  });

  it('end in an error, never in an exception of another kind, when they are garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          new ValueReader(Buffer.from(bytes), true).read('a{sv}(ss)av');
        } catch (error) {
          expect(error).to.have.property('kind', 'invalid_argument');
        }
      }),
    );
  });
});

describe('completeTypes', () => {
  it('splits a signature', () => {
    expect(completeTypes('sa{sv}(i(uu))aay')).to.deep.equal(['s', 'a{sv}', '(i(uu))', 'aay']);
  });

  for (const bad of ['a', '(', '()', '(i', 'a{sv', 'a{vs}', 'a{s}', '{ss}', 'z', 'a'.repeat(40)]) {
    it(`refuses ${bad}`, () => {
      expect(() => completeTypes(bad)).to.throw('is not a signature of D-Bus');
    });
  }
});

describe('messages of D-Bus', () => {
  const call = {
    type: 'call',
    serial: 7,
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.systemd1.Manager',
    member: 'StartTransientUnit',
    destination: 'org.freedesktop.systemd1',
    signature: 'ssa(sv)a(sa(sv))',
    body: ['a.scope', 'replace', [['PIDs', { signature: 'au', value: [5] }]], []],
  } as const;

  it('come back as they were, and know their length', () => {
    const bytes = encodeMessage(call);
    expect(messageLength(bytes)).to.equal(bytes.length);
    expect(messageLength(bytes.subarray(0, 15))).to.equal(undefined);
    expect(decodeMessage(bytes)).to.deep.equal(call);
  });

  it('have bodies that begin on a multiple of eight', () => {
    const bytes = encodeMessage({ ...call, signature: 't', body: [1n] });
    expect((bytes.length - 8) % 8).to.equal(0);
  });
});

describe('socketPath', () => {
  it('takes the first address on a unix socket', () => {
    expect(socketPath('tcp:host=a;unix:path=/run/a%20b,guid=00')).to.equal('/run/a b');
    expect(socketPath('unix:abstract=/tmp/x')).to.equal('\0/tmp/x');
    expect(() => socketPath('tcp:host=a')).to.throw('is no address of a bus on a unix socket');
  });
});
