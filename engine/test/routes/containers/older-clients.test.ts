import { expect } from 'chai';
import { StackError } from '#spec/errors';
import type { ApiVersion } from '../../../src/http/api-version.ts';
import { decodeCreateBody } from '../../../src/routes/containers/create-body.ts';
import { asAskedIn } from '../../../src/routes/containers/older-clients.ts';

const ask = (version: ApiVersion, hostConfig: object, config: object = {}) =>
  asAskedIn(version, decodeCreateBody({ Image: 'x', HostConfig: hostConfig, ...config }));

describe('asAskedIn', () => {
  it('gives old clients the defaults of then', () => {
    const { hostConfig, readOnlyNonRecursive } = ask('1.24', {
      AutoRemove: true,
      ConsoleSize: [30, 100],
      Annotations: { a: 'b' },
    });
    expect(hostConfig).to.deep.include({
      AutoRemove: false,
      IpcMode: 'shareable',
      ConsoleSize: [0, 0],
    });
    expect(hostConfig.Annotations).to.equal(undefined);
    expect(readOnlyNonRecursive).to.equal(true);
    expect(ask('1.44', { KernelMemory: 7 })).to.include({ readOnlyNonRecursive: false });
    expect(ask('1.44', { KernelMemory: 7 }).hostConfig.KernelMemory).to.equal(undefined);
    expect(ask('1.41', { KernelMemory: 7 }).hostConfig.KernelMemory).to.equal(7);
    expect(
      ask('1.43', {}, { Healthcheck: { StartInterval: 5 } }).config.Healthcheck?.StartInterval,
    ).to.equal(0);
  });

  it('takes from mounts what came later', () => {
    const bind = (options: object) => ({
      Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', BindOptions: options }],
    });
    const given = bind({ NonRecursive: true, CreateMountpoint: true });
    const optionsIn = (version: ApiVersion) =>
      ask(version, given).hostConfig.Mounts?.[0]?.BindOptions;
    expect(optionsIn('1.39')).to.deep.equal({ NonRecursive: false, CreateMountpoint: false });
    expect(optionsIn('1.41')).to.deep.equal({ NonRecursive: true, CreateMountpoint: false });
    expect(optionsIn('1.42')).to.deep.equal({ NonRecursive: true, CreateMountpoint: true });
    const foreign = { Mounts: [{ Type: 'volume', Target: '/b', BindOptions: {} }] };
    expect(ask('1.41', foreign).hostConfig.Mounts?.[0]).to.deep.equal({
      Type: 'volume',
      Target: '/b',
    });
    expect(() => ask('1.42', foreign)).to.throw(
      StackError,
      'BindOptions must not be specified on mount type "volume"',
    );
  });

  it('refuses what would be lost', () => {
    const volume = (options: object) => ({
      Mounts: [{ Type: 'volume', Source: 'v', Target: '/b', VolumeOptions: options }],
    });
    expect(() => ask('1.44', volume({ Subpath: 'a' }))).to.throw(StackError, 'needs API v1.45');
    const forced = {
      Mounts: [
        { Type: 'bind', Source: '/a', Target: '/b', BindOptions: { ReadOnlyForceRecursive: true } },
      ],
    };
    expect(() => ask('1.43', forced)).to.throw(StackError, 'needs API v1.44 or newer');
    const two = { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
    expect(() => ask('1.43', {}, two)).to.throw(StackError, 'multiple network endpoints: a, b');
    expect(ask('1.48', { ...volume({}), VolumeDriver: 'local' }).warnings).to.have.length(1);
  });
});
