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
      PortBindings: { '80/tcp': [{ HostPort: '80' }] },
      Links: ['other'],
      UsernsMode: 'host',
      init: true,
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
  it('takes the empty endpoint of the network that is used anyway', () => {
    const body = {
      Image: 'busybox',
      HostConfig: { NetworkMode: 'bridge' },
      NetworkingConfig: {
        EndpointsConfig: { default: { MacAddress: '02:00:00:00:00:01', Links: null } },
      },
    };
    expect(decodeCreateBody(body).config.MacAddress).to.equal('02:00:00:00:00:01');
  });

  it('refuses further networks and addresses', () => {
    const endpoints = (EndpointsConfig: object) => ({
      Image: 'b',
      NetworkingConfig: { EndpointsConfig },
    });
    expect(() => decodeCreateBody(endpoints({ other: {} }))).to.throw(StackError, 'second network');
    expect(() => decodeCreateBody(endpoints({ bridge: { Aliases: ['x'] } }))).to.throw(
      StackError,
      'EndpointsConfig.bridge.Aliases is not implemented',
    );
  });
});
