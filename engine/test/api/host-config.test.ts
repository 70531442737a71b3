import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import { decodeHostConfig } from '../../src/api/host-config.ts';
import { decodeCreateBody } from '../../src/routes/containers/create-body.ts';

describe('decodeHostConfig', () => {
  it('takes what the docker CLI sends for a plain run', () => {
    const hostConfig = decodeHostConfig(
      {
        Binds: null,
        NetworkMode: 'default',
        PortBindings: {},
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
        ConsoleSize: [30, 100],
        Links: null,
        MemorySwappiness: -1,
        OomKillDisable: false,
        BlkioDeviceReadBps: [],
        Ulimits: [],
      },
      'HostConfig',
    );
    expect(hostConfig.ConsoleSize).to.deep.equal([30, 100]);
    expect(hostConfig.Memory).to.equal(0);
  });

  it('names a field that is set and not honoured', () => {
    for (const [name, value] of Object.entries({
      CpuPercent: 10,
      ioMaximumIOps: 1,
    })) {
      expect(() => decodeHostConfig({ [name]: value }, 'HostConfig'), name)
        .to.throw(StackError, /HostConfig\.\w+ is not implemented/)
        .with.property('kind', 'unimplemented');
    }
  });

  it('says where a value has the wrong type', () => {
    expect(() => decodeHostConfig({ Memory: 'much' }, 'HostConfig')).to.throw(
      StackError,
      'HostConfig.Memory: expected an integer',
    );
    expect(() => decodeHostConfig({ RestartPolicy: { Name: 'sometimes' } }, '')).to.throw(
      StackError,
      'unknown restart policy',
    );
  });
});

describe('decodeContainerConfig', () => {
  it('matches names in any case and takes one string for a list', () => {
    const config = decodeContainerConfig({ image: 'busybox', cmd: 'ls', ENV: ['A=1'] }, '');
    expect([config.Image, config.Cmd, config.Env]).to.deep.equal(['busybox', ['ls'], ['A=1']]);
  });
});

describe('decodeCreateBody', () => {
  const wishesOf = (settings: unknown): unknown =>
    decodeCreateBody({
      Image: 'x',
      NetworkingConfig: { EndpointsConfig: { front: settings } },
    }).endpoints['front'];

  it('reads what a container wants of its networks', () => {
    const none = { aliases: [], links: [], ipAddress: '', ipv6Address: '', mac: '' };
    expect(wishesOf(null)).to.deep.equal(none);
    expect(
      wishesOf({
        Aliases: ['db'],
        Links: ['a:b'],
        IPAMConfig: { IPv4Address: '10.0.0.9', IPv6Address: 'fd00::9' },
        MacAddress: '02:00:00:00:00:01',
        Gateway: '10.0.0.1', // of an earlier inspection
      }),
    ).to.deep.equal({
      ...{ aliases: ['db'], links: ['a:b'], ipAddress: '10.0.0.9', ipv6Address: 'fd00::9' },
      mac: '02:00:00:00:00:01',
    });
  });

  it('refuses what it does not honour', () => {
    for (const settings of [{ DriverOpts: { a: 'b' } }, { GwPriority: 1 }]) {
      expect(() => wishesOf(settings)).to.throw(StackError, 'is not implemented');
    }
  });
});
