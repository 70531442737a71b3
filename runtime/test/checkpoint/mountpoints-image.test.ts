import { expect } from 'chai';
import { encodeMessage, type Schema } from '#lib/criu/wire';
import { clearReadOnlyRoot } from '../../src/checkpoint/mountpoints-image.ts';

/** The first fields of criu's mnt_entry. */
const entry = {
  fstype: { number: 1, type: 'int' },
  mnt_id: { number: 2, type: 'int' },
  root_dev: { number: 3, type: 'int' },
  parent_mnt_id: { number: 4, type: 'int' },
  flags: { number: 5, type: 'int' },
  root: { number: 6, type: 'text' },
  mountpoint: { number: 7, type: 'text' },
} as const satisfies Schema;

function image(...mounts: { mountpoint: string; flags: number }[]): Buffer {
  const header = Buffer.from([0x19, 0x43, 0x56, 0x54, 0x28, 0x39, 0x56, 0x55]);
  const entries = mounts.flatMap(({ mountpoint, flags }) => {
    const numbers = { fstype: 0, mnt_id: 40_000, root_dev: 0x2800_0028, parent_mnt_id: 40 };
    const bytes = encodeMessage(entry, { ...numbers, flags, root: '/', mountpoint });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat([header, ...entries]);
}

describe('clearReadOnlyRoot', () => {
  it('takes the flag from the root and from nothing else', () => {
    const proc = { mountpoint: '/proc', flags: 0x20_0001 };
    const changed = image({ mountpoint: '/', flags: 0x20_0001 }, proc);
    clearReadOnlyRoot(changed);
    expect(changed).to.deep.equal(image({ mountpoint: '/', flags: 0x20_0000 }, proc));
  });

  it('leaves a root alone that can be written to', () => {
    const same = image({ mountpoint: '/', flags: 0x20_0000 });
    clearReadOnlyRoot(same);
    expect(same).to.deep.equal(image({ mountpoint: '/', flags: 0x20_0000 }));
  });

  it('refuses what is no such image', () => {
    expect(() => clearReadOnlyRoot(Buffer.from('garbage!'))).to.throw('unknown format');
    const short = image({ mountpoint: '/', flags: 1 });
    expect(() => clearReadOnlyRoot(short.subarray(0, short.length - 2))).to.throw();
  });
});
