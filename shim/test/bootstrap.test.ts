import { expect } from 'chai';
import { packAny, unpackAny } from '#proto/any';
import { BootstrapParams, BootstrapResult } from '#proto/generated/containerd.runtime.bootstrap.v1';
import { Options } from '#proto/generated/containerd.runc.v1';
import { Any } from '#proto/generated/google.protobuf';
import { bootstrapAnswer, readBootstrap } from '../src/bootstrap.ts';
import { parseCommandLine } from '../src/command-line.ts';

describe('readBootstrap', () => {
  const line = parseCommandLine(['-namespace', 'ns', '-id', 'c1', '-address', '/flag', 'start']);
  const options = packAny(Options, { binaryName: 'runc' });

  it('takes options of containerd up to 2.2, or nothing', () => {
    expect(readBootstrap(Buffer.alloc(0), line)).to.deep.equal({ line, takesResult: false });
    const { options: read, takesResult } = readBootstrap(Any.encode(options), line);
    expect(read?.typeUrl).to.equal('containerd.runc.v1.Options');
    expect(takesResult).to.be.false;
  });

  it('takes the parameters of 2.3, which say more than the flags', () => {
    // Encoded by protoc from containerd's bootstrap.proto: every field, an extension that nobody knows among them.
    const params = Buffer.from(
      '0a02633112026e7318fcffffffffffffffff01220676322e332e302a0d2f632e736f636b2e747472706332072f632e736f636b3a06' +
        '2f62696e2f6342090a070a056f7468657242260a240a1a636f6e7461696e6572642e72756e632e76312e4f7074696f6e7312063204' +
        '72756e634a022f73',
      'hex',
    );
    const read = readBootstrap(params, line);
    expect(read.line).to.include({ address: '/c.sock', publishBinary: '/bin/c', debug: true });
    expect(read).to.include({
      ttrpcAddress: '/c.sock.ttrpc',
      socketFolder: '/s',
      takesResult: true,
    });
    expect(read.options && unpackAny(Options, read.options)).to.include({ binaryName: 'runc' });
  });

  it('takes a level of the log that it does not know', () => {
    const params = BootstrapParams.encode({ instanceId: 'c1', namespace: 'ns' });
    const unknown = Buffer.concat([params, Buffer.from('1802', 'hex')]); // 2: between info and warning
    expect(readBootstrap(unknown, line)).to.deep.include({
      takesResult: true,
      line: { ...line, debug: false },
    });
  });

  it('takes parameters for another container as options', () => {
    const others = BootstrapParams.encode({ instanceId: 'c2', namespace: 'ns' });
    expect(readBootstrap(others, line).takesResult).to.be.false;
  });
});

describe('bootstrapAnswer', () => {
  const placement = { socket: '/s', isShared: false, protocol: 'ttrpc' } as const;

  it('is the bare address, unless more is understood', () => {
    expect(bootstrapAnswer(placement, false).toString()).to.equal('unix:///s');
    // As protoc encodes it from containerd's bootstrap.proto.
    const encoded = '08031209756e69783a2f2f2f731a057474727063';
    expect(bootstrapAnswer(placement, true).toString('hex')).to.equal(encoded);
  });

  it('names the path alone for gRPC, in both forms', () => {
    const grpc = { ...placement, protocol: 'grpc' } as const;
    const result = { version: 3, address: '/s', protocol: 'grpc' };
    expect(JSON.parse(bootstrapAnswer(grpc, false).toString())).to.deep.equal(result);
    expect(BootstrapResult.decode(bootstrapAnswer(grpc, true))).to.include(result);
  });
});
