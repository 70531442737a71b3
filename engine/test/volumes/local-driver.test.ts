import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { checkDriverOptions, driverMount } from '../../src/volumes/local-driver.ts';

describe('options of the local volume driver', () => {
  it('become a call of mount(2)', async () => {
    const options = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,noexec,ro,rw,uid=1000' };
    checkDriverOptions(options);
    expect(await driverMount(options, '/v')).to.deep.equal({
      source: 'tmpfs',
      target: '/v',
      type: 'tmpfs',
      flags: 8,
      data: 'size=1m,uid=1000',
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
    const { data } = await driverMount(
      { type: 'nfs', device: ':/x', o: 'addr=localhost,vers=4' },
      '/v',
    );
    expect(data).to.match(/^addr=(127\.0\.0\.1|::1),vers=4$/);
  });
});
