import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { digestOf } from '#spec/digest';
import { expectRejection } from '../rejection.ts';
import { ingest, useStores } from '../stores.ts';

const open = { expected: '', total: 0, lease: undefined };

describe('ContentStore', () => {
  const stores = useStores();

  it('lays blobs out as containerd does', async () => {
    const digest = await ingest(stores(), 'ns', 'hello');
    const file = path.join(stores().folder, 'content/blobs/sha256', digest.slice(7));
    expect(fs.readFileSync(file, 'utf8')).to.equal('hello');
    expect(fs.readdirSync(path.join(stores().folder, 'content/ingest'))).to.deep.equal([]);
    expect(stores().content.info('ns', digest)).to.include({ digest, size: 5 });
  });

  it('lets one writer at a time have a ref', async () => {
    const { content } = stores();
    const writer = await content.openWriter('ns', 'ref', open);
    await expectRejection(content.openWriter('ns', 'ref', open), 'unavailable', 'locked');
    await writer.close();
    await (await content.openWriter('ns', 'ref', open)).close();
  });

  it('continues an ingest where it ended, also its digest', async () => {
    const { content } = stores();
    const first = await content.openWriter('ns', 'ref', open);
    await first.write(0, Buffer.from('hel'));
    await first.close();
    expect(await content.status('ns', 'ref')).to.include({ ref: 'ref', offset: 3 });
    const second = await content.openWriter('ns', 'ref', open);
    await second.write(3, Buffer.from('lo'));
    expect(await second.commit(5, digestOf('hello'), {})).to.equal(digestOf('hello'));
    await second.close();
    await expectRejection(content.status('ns', 'ref'), 'not_found');
  });

  it('refuses to write anywhere but at the end, and starts again at 0', async () => {
    const writer = await stores().content.openWriter('ns', 'ref', open);
    await writer.write(0, Buffer.from('abc'));
    await expectRejection(writer.write(2, Buffer.from('x')), 'out_of_range', 'current offset 3');
    await writer.write(0, Buffer.from('hello'));
    expect(await writer.commit(0, '', {})).to.equal(digestOf('hello'));
    await writer.close();
  });

  it('commits neither a wrong digest nor a wrong size', async () => {
    const { content } = stores();
    for (const [total, expected] of [
      [0, digestOf('other')],
      [9, ''],
    ] as const) {
      const writer = await content.openWriter('ns', 'ref', open);
      await writer.write(0, Buffer.from('hello'));
      await expectRejection(writer.commit(total, expected, {}), 'conflict', 'unexpected commit');
      await writer.close();
    }
    expect(content.list('ns')).to.deep.equal([]);
  });

  it('says that a blob is there before it is written again', async () => {
    const digest = await ingest(stores(), 'ns', 'hello');
    const writer = stores().content.openWriter('ns', 'again', { ...open, expected: digest });
    await expectRejection(writer, 'already_exists');
  });

  it('knows a blob in the namespace that wrote it only, and links it where its digest is known', async () => {
    const { content } = stores();
    const digest = await ingest(stores(), 'a', 'hello');
    expect(() => content.info('b', digest)).to.throw('not found');
    const writer = await content.openWriter('b', 'ref', { ...open, expected: digest, total: 5 });
    expect(writer.offset).to.equal(5);
    await writer.commit(5, digest, { x: '1' });
    await writer.close();
    expect(content.info('b', digest).labels).to.deep.equal({ x: '1' });
    expect(content.info('a', digest).labels).to.deep.equal({});
  });

  it('updates labels by field mask', async () => {
    const { content } = stores();
    const digest = await ingest(stores(), 'ns', 'hello', { labels: { a: '1', b: '2' } });
    const one = content.update('ns', digest, { a: '9', b: 'ignored' }, ['labels.a']);
    expect(one.labels).to.deep.equal({ a: '9', b: '2' });
    expect(content.update('ns', digest, { a: '' }, ['labels.a']).labels).to.deep.equal({ b: '2' });
    expect(content.update('ns', digest, { c: '3' }, []).labels).to.deep.equal({ c: '3' });
    expect(() => content.update('ns', digest, {}, ['size'])).to.throw('cannot update field "size"');
  });

  it('forgets an aborted ingest', async () => {
    const { content } = stores();
    const writer = await content.openWriter('ns', 'ref', open);
    await writer.write(0, Buffer.from('abc'));
    await writer.close();
    await content.abort('ns', 'ref');
    await expectRejection(content.abort('ns', 'ref'), 'not_found');
    expect(await content.listStatuses('ns')).to.deep.equal([]);
  });

  it('refuses what is not a digest', () => {
    expect(() => stores().content.info('ns', '../../etc/passwd')).to.throw('invalid digest');
  });
});
