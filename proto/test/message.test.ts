import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import protobuf from 'protobufjs';
import { Container } from '#proto/generated/containerd.services.containers.v1';
import { WriteContentRequest } from '#proto/generated/containerd.services.content.v1';
import { LogLevel, BootstrapParams } from '#proto/generated/containerd.runtime.bootstrap.v1';
import { CPUUsage, MemoryEntry } from '#proto/generated/io.containerd.cgroups.v1';
import { PSIData } from '#proto/generated/io.containerd.cgroups.v2';
import { StateResponse } from '#proto/generated/containerd.task.v2';
import { Timestamp } from '#proto/generated/google.protobuf';
import type { MessageType } from '#proto/message';

/** protobufjs' own codec for the same IDL: what we write it must read, and the other way round. */
const schema = new protobuf.Root();
const idl = path.resolve(import.meta.dirname, '../idl');
for (const file of fs.globSync('**/*.proto', { cwd: idl }).sort()) {
  protobuf.parse(fs.readFileSync(path.join(idl, file), 'utf8'), schema);
}
schema.resolveAll();

const options = { longs: Number, enums: String, arrays: true, objects: true } as const;

function throughProtobufjs<T>(type: MessageType<T>, data: Buffer): T {
  const reflected = schema.lookupType(type.typeName);
  const value = reflected.toObject(reflected.decode(data), options);
  return type.decode(Buffer.from(reflected.encode(reflected.fromObject(value)).finish()));
}

describe('defineMessage', () => {
  const container = {
    id: 'c1',
    labels: { a: '1', empty: '', ['__proto__']: 'x' },
    runtime: { name: 'io.containerd.lite.v2', options: { typeUrl: 't', value: Buffer.from('v') } },
    createdAt: { seconds: -5, nanos: 999_999_999 },
    extensions: { e: { typeUrl: 'u', value: Buffer.from([0, 255]) } },
  };

  it('gives back what went in, with defaults for the rest', () => {
    const decoded = Container.decode(Container.encode(container));
    expect(decoded).to.deep.include({
      id: 'c1',
      image: '',
      snapshotKey: '',
      extensions: container.extensions,
    });
    expect(Object.entries(decoded.labels)).to.deep.equal(Object.entries(container.labels));
    expect(decoded.createdAt).to.deep.equal(container.createdAt);
    expect(decoded).not.to.have.property('updatedAt');
  });

  it('agrees with protobufjs in both directions', () => {
    const { labels, ...rest } = container;
    const plain = { ...rest, labels: { a: labels.a, empty: '' } };
    const data = Container.encode(plain);
    expect(throughProtobufjs(Container, data)).to.deep.equal(Container.decode(data));
    const write = WriteContentRequest.encode({
      action: 'COMMIT',
      total: 2 ** 40,
      data: Buffer.alloc(70_000, 7),
    });
    expect(throughProtobufjs(WriteContentRequest, write)).to.deep.equal(
      WriteContentRequest.decode(write),
    );
    const usage = CPUUsage.encode({ perCpu: [1, 300, 2 ** 35] });
    expect(throughProtobufjs(CPUUsage, usage).perCpu).to.deep.equal([1, 300, 2 ** 35]);
    const pressure = PSIData.encode({ avg10: 0.25, total: 9 });
    expect(throughProtobufjs(PSIData, pressure)).to.deep.include({ avg10: 0.25, total: 9 });
  });

  it('keeps negative numbers and negative enum values', () => {
    expect(Timestamp.decode(Timestamp.encode({ seconds: -62_135_596_800 })).seconds).to.equal(
      -62_135_596_800,
    );
    const data = BootstrapParams.encode({ logLevel: 'LOG_LEVEL_TRACE' });
    expect(BootstrapParams.decode(data).logLevel).to.equal('LOG_LEVEL_TRACE');
    expect(LogLevel.numbers.LOG_LEVEL_TRACE).to.equal(-8);
  });

  it('keeps the largest uint64, which stands for max', () => {
    const data = MemoryEntry.encode({ limit: 2 ** 64 });
    expect(data.toString('hex')).to.equal('08ffffffffffffffffff01');
    expect(MemoryEntry.decode(data).limit).to.equal(2 ** 64);
  });

  it('tells an absent optional field from an empty one', () => {
    expect(BootstrapParams.decode(BootstrapParams.encode({}))).not.to.have.property('socketDir');
    expect(BootstrapParams.decode(BootstrapParams.encode({ socketDir: '' })).socketDir).to.equal(
      '',
    );
  });

  it('skips fields that it does not know', () => {
    const data = Buffer.concat([
      Buffer.from([0xfa, 0x7f, 0x02, 1, 2]),
      StateResponse.encode({ id: 'x' }),
    ]);
    expect(StateResponse.decode(data).id).to.equal('x');
  });

  it('takes an enum value that it does not know as the zero value', () => {
    expect(StateResponse.decode(Buffer.from([0x20, 99])).status).to.equal('UNKNOWN');
  });

  it('refuses broken bytes and wrong types with the name of the message', () => {
    expect(() => StateResponse.decode(Buffer.from([0x0a, 50, 1])))
      .to.throw('not a containerd.task.v2.StateResponse')
      .with.property('kind', 'invalid_argument');
    expect(() => StateResponse.decode(Buffer.from([0x7f]))).to.throw(
      'not a containerd.task.v2.StateResponse',
    );
    expect(() => StateResponse.encode({ pid: 'one' as never })).to.throw(
      'containerd.task.v2.StateResponse.pid must be a number, not one',
    );
    expect(() => StateResponse.encode({ status: 'ASLEEP' as never })).to.throw(
      'must be a containerd.v1.types.Status, not ASLEEP',
    );
  });
});
