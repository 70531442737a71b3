import { expect } from 'chai';
import { packAny } from '#proto/any';
import { BootstrapParams } from '#proto/generated/containerd.runtime.bootstrap.v1';
import { Options } from '#proto/generated/containerd.runc.v1';
import { Any } from '#proto/generated/google.protobuf';
import { bootstrapAnswer, readBootstrap } from '../src/bootstrap.ts';
import { parseCommandLine } from '../src/command-line.ts';

describe('readBootstrap', () => {
  const line = parseCommandLine(['-namespace', 'ns', '-id', 'c1', '-address', '/flag', 'start']);
  const options = packAny(Options, { binaryName: 'runc' });

  it('takes options of containerd up to 2.2, or nothing', () => {
    expect(readBootstrap(Buffer.alloc(0), line)).to.deep.equal({ line, takesVersion3: false });
    const { options: read, takesVersion3 } = readBootstrap(Any.encode(options), line);
    expect(read?.typeUrl).to.equal('containerd.runc.v1.Options');
    expect(takesVersion3).to.be.false;
  });

  it('takes the parameters of 2.3, which say more than the flags', () => {
    const params = BootstrapParams.encode({
      instanceId: 'c1',
      namespace: 'ns',
      logLevel: 'LOG_LEVEL_DEBUG',
      containerdGrpcAddress: '/params',
      containerdTtrpcAddress: '/params.ttrpc',
      extensions: [{ value: { typeUrl: 'other', value: Buffer.alloc(0) } }, { value: options }],
      socketDir: '/sockets',
    });
    const read = readBootstrap(params, line);
    expect(read.line).to.include({ address: '/params', debug: true });
    expect(read).to.include({
      ttrpcAddress: '/params.ttrpc',
      socketFolder: '/sockets',
      takesVersion3: true,
    });
    expect(read.options?.typeUrl).to.equal('containerd.runc.v1.Options');
  });

  it('takes parameters for another container as options', () => {
    const others = BootstrapParams.encode({ instanceId: 'c2', namespace: 'ns' });
    expect(readBootstrap(others, line).takesVersion3).to.be.false;
  });
});

describe('bootstrapAnswer', () => {
  it('is the bare address, unless more is understood', () => {
    const placement = { socket: '/s', isShared: false, protocol: 'ttrpc' } as const;
    expect(bootstrapAnswer(placement, false)).to.equal('unix:///s');
    expect(JSON.parse(bootstrapAnswer(placement, true))).to.deep.equal({
      version: 3,
      address: 'unix:///s',
      protocol: 'ttrpc',
    });
  });

  it('names the path alone for gRPC', () => {
    const placement = { socket: '/s', isShared: false, protocol: 'grpc' } as const;
    expect(JSON.parse(bootstrapAnswer(placement, false))).to.include({ version: 3, address: '/s' });
  });
});
