/** Content and layers over the wire: what is wrong is refused and changes nothing. */
import { expect } from 'chai';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import zlib from 'node:zlib';
import { isStackError } from '#spec/errors';
import { ContainerdClient } from '#proto/containerd-client';
import type {
  WriteContentRequest,
  WriteContentResponse,
} from '#proto/generated/containerd.services.content.v1';
import type { Input } from '#proto/message';
import { needPeers, needRoot } from '../harness/peers.ts';
import { ContainerdLite } from './containerd-lite.ts';

describe('content and layers over gRPC', () => {
  const containerd = new ContainerdLite();
  let client: ContainerdClient;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    await containerd.start();
    client = new ContainerdClient(containerd.address, { namespace: 'test' });
  });

  after(async () => {
    client.close();
    await containerd.remove();
  });

  const digestOf = (data: Uint8Array) =>
    `sha256:${createHash('sha256').update(data).digest('hex')}`;

  /** Keeps what no image and no lease refers to. */
  const root = { 'containerd.io/gc.root': 'test' };

  /** Sends messages one by one and returns the last answer. */
  async function write(
    ...messages: Input<WriteContentRequest>[]
  ): Promise<WriteContentResponse | undefined> {
    const call = client.content.write();
    const answers = call[Symbol.asyncIterator]();
    let last: WriteContentResponse | undefined;
    for (const message of messages) {
      await call.write(message);
      const answer = await answers.next();
      if (answer.done !== true) last = answer.value;
    }
    call.end();
    return last;
  }

  const store = async (data: Buffer) =>
    write({
      action: 'COMMIT',
      ref: digestOf(data),
      total: data.length,
      offset: 0,
      data,
      labels: root,
    });

  async function kindOf(action: Promise<unknown>): Promise<string> {
    try {
      await action;
      return 'success';
    } catch (error) {
      return isStackError(error) ? error.kind : String(error);
    }
  }

  it('continues an ingest that a lost connection interrupted', async () => {
    const data = Buffer.alloc(3_000_000, 'x');
    await write({ action: 'WRITE', ref: 'resumed', offset: 0, data: data.subarray(0, 1_000_000) });
    const { status } = await client.content.status({ ref: 'resumed' });
    expect(status?.offset).to.equal(1_000_000);
    const rest = data.subarray(1_000_000);
    const answer = await write(
      { action: 'STAT', ref: 'resumed' },
      { action: 'WRITE', offset: 1_000_000, data: rest },
      {
        action: 'COMMIT',
        offset: data.length,
        total: data.length,
        expected: digestOf(data),
        labels: root,
      },
    );
    expect(answer?.digest).to.equal(digestOf(data));
    const parts: Buffer[] = [];
    for await (const { data: part } of client.content.read({ digest: digestOf(data), offset: 5 })) {
      parts.push(part);
    }
    expect(Buffer.concat(parts).equals(data.subarray(5))).to.equal(true);
  });

  it('refuses a wrong digest, a wrong offset and a second writer, each with its kind', async () => {
    const data = Buffer.from('data');
    const expected = digestOf(Buffer.from('other'));
    const commit = { action: 'COMMIT', ref: 'wrong', offset: 0, data, expected } as const;
    expect(await kindOf(write(commit))).to.equal('conflict');
    const beyond = { action: 'WRITE', ref: 'beyond', offset: 9, data } as const;
    expect(await kindOf(write(beyond))).to.equal('out_of_range');
    const first = client.content.write();
    await first.write({ action: 'STAT', ref: 'locked' });
    await first[Symbol.asyncIterator]().next();
    expect(await kindOf(write({ action: 'STAT', ref: 'locked' }))).to.equal('unavailable');
    first.end();
    expect(await kindOf(client.content.info({ digest: expected }))).to.equal('not_found');
  });

  it('demands a namespace', async () => {
    const nameless = new ContainerdClient(containerd.address, { namespace: '' });
    expect(await kindOf(nameless.images.list({}))).to.equal('conflict');
    nameless.close();
  });

  describe('Diff.Apply', () => {
    /** A tar archive with one file. */
    const layer = (name: string, content: string) => {
      const header = Buffer.alloc(512);
      header.write(name, 0);
      header.write('0000644\0', 100);
      header.write('0000000\0', 108);
      header.write('0000000\0', 116);
      header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
      header.write('00000000000\0', 136);
      header.write('        0ustar\x0000', 148, 'latin1');
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      const body = Buffer.alloc(512);
      body.write(content);
      return Buffer.concat([header, body, Buffer.alloc(1024)]);
    };

    let count = 0;
    async function apply(blob: Buffer, labels: Record<string, string> = {}) {
      await kindOf(store(blob));
      const digest = digestOf(blob);
      await client.content.update({ info: { digest, labels: { ...root, ...labels } } });
      const { mounts } = await client.snapshots.prepare({
        snapshotter: 'overlayfs',
        key: `apply-${++count}`,
        labels: root,
      });
      const { applied } = await client.diff.apply({
        diff: { digest, size: blob.length, mediaType: 'application/vnd.oci.image.layer.v1.tar' },
        mounts,
      });
      return { applied, folder: mounts[0]?.source ?? '' };
    }

    for (const [compression, compress] of [
      ['none', (data: Buffer) => data],
      ['gzip', zlib.gzipSync],
      ['zstd', zlib.zstdCompressSync],
    ] as const) {
      it(`answers with the diff ID of a layer, compression ${compression}`, async () => {
        const archive = layer('file', compression);
        const { applied, folder } = await apply(compress(archive));
        expect(applied).to.include({ digest: digestOf(archive), size: archive.length });
        expect(fs.readFileSync(`${folder}/file`, 'utf8')).to.equal(compression);
      });
    }

    it('refuses a layer that is damaged, one that escapes, and one with another diff ID', async () => {
      const whole = zlib.gzipSync(layer('file', 'text'));
      expect(await kindOf(apply(whole.subarray(0, 40)))).to.equal('invalid_argument');
      const outside = layer(`../../../../../../../${containerd.folder}/escaped`, 'x');
      await kindOf(apply(outside));
      expect(fs.existsSync(`${containerd.folder}/escaped`)).to.equal(false);
      const labels = { 'containerd.io/uncompressed': digestOf(Buffer.from('no')) };
      expect(await kindOf(apply(layer('other', 'x'), labels))).to.equal('conflict');
    });
  });
});
