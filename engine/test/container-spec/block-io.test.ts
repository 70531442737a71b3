import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { decodeHostConfig } from '../../src/api/host-config.ts';
import { blockIoResources } from '../../src/container-spec/block-io.ts';

const of = (hostConfig: object) => blockIoResources(decodeHostConfig(hostConfig, ''));

describe('blockIoResources', () => {
  it('is nothing without any, and the weight with one', () => {
    expect(of({})).to.equal(undefined);
    expect(of({ BlkioWeight: 300 })).to.deep.equal({ weight: 300 });
  });

  it('refuses weights out of range and what is no block device', () => {
    for (const [hostConfig, words] of [
      [{ BlkioWeight: 5 }, 'from 10 to 1000'],
      [{ BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 1 }] }, '/dev/null is not a block device'],
      [{ BlkioDeviceWriteIOps: [{ Path: '/dev/nosuch', Rate: 1 }] }, 'no such device /dev/nosuch'],
    ] as const) {
      expect(() => of(hostConfig), words).to.throw(StackError, words);
    }
  });
});
