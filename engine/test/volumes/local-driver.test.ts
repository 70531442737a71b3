import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { checkDriverOptions, driverMount } from '../../src/volumes/local-driver.ts';

describe('options of the local volume driver', () => {
  it('become a mount', async () => {
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,,noexec' };
    checkDriverOptions(options);
    expect(await driverMount(options)).to.deep.equal({
      source: 'tmpfs',
      type: 'tmpfs',
      options: ['size=1m', 'noexec'],
    });
  });

  it('need a device, and a type unless they bind', () => {
    checkDriverOptions({});
    checkDriverOptions({ o: 'bind', device: '/srv' });
    expect(() => checkDriverOptions({ type: 'tmpfs' })).to.throw(StackError, '"device"');
    expect(() => checkDriverOptions({ device: '/dev/sdz' })).to.throw(StackError, '"type"');
    expect(() => checkDriverOptions({ sise: '1' })).to.throw(StackError, 'invalid option: "sise"');
    expect(() => checkDriverOptions({ size: '1g' })).to.throw(StackError, 'no quota support');
  });

  it('resolve the address of a server', async () => {
    const nfs = { type: 'nfs', device: ':/x', o: 'addr=localhost,vers=4' };
    const { options } = await driverMount(nfs);
    expect(options.join()).to.match(/^addr=(127\.0\.0\.1|::1),vers=4$/);
  });
});
