import { expect } from 'chai';
import fs from 'node:fs';
import { Bundles, readEndpoint, writeEndpoint } from '../../src/tasks/bundle.ts';
import { createTestWorker } from '../test-worker.ts';
import { expectRejection } from '../rejection.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

describe('Bundles', () => {
  const folder = useTemporaryFolder();
  const worker = createTestWorker();
  after(async () => worker.close());
  const bundles = () => new Bundles({ state: `${folder()}/s`, root: `${folder()}/r` }, worker);

  it('makes what shims expect', async () => {
    const bundle = await bundles().create('ns', 'web', Buffer.from('{"ociVersion":"1.0.2"}'));
    expect(bundle.path).to.equal(`${folder()}/s/io.containerd.runtime.v2.task/ns/web`);
    expect(fs.readdirSync(bundle.path)).to.have.members(['config.json', 'rootfs', 'work']);
    expect(fs.readlinkSync(`${bundle.path}/work`)).to.equal(
      `${folder()}/r/io.containerd.runtime.v2.task/ns/web`,
    );
    expect(fs.statSync(bundle.path).mode & 0o777).to.equal(0o700);
    expect(bundles().list()).to.deep.equal([bundle]);
    await expectRejection(bundles().create('ns', 'web', Buffer.from('{}')), 'already_exists');
  });

  it('leaves nothing behind for a spec that is not JSON', async () => {
    await expectRejection(
      bundles().create('ns', 'web', Buffer.from('{')),
      'invalid_argument',
      'JSON',
    );
    expect(bundles().list()).to.deep.equal([]);
  });

  it('remembers where the shim listens, also from the note of the shim itself', async () => {
    const bundle = await bundles().create('ns', 'web', Buffer.from('{}'));
    expect(readEndpoint(bundle)).to.equal(undefined);
    fs.writeFileSync(`${bundle.path}/address`, 'unix:///run/s/abc');
    expect(readEndpoint(bundle)).to.include({ address: 'unix:///run/s/abc', version: 2 });
    writeEndpoint(bundle, { version: 3, address: 'unix:///run/s/d', protocol: 'ttrpc' });
    expect(readEndpoint(bundle)).to.include({ address: 'unix:///run/s/d', version: 3 });
  });

  it('removes the folder and what is in its work folder', async () => {
    const bundle = await bundles().create('ns', 'web', Buffer.from('{}'));
    fs.mkdirSync(`${bundle.path}/work/deep`);
    fs.writeFileSync(`${bundle.path}/work/deep/file`, '');
    const work = fs.readlinkSync(`${bundle.path}/work`);
    await bundles().remove(bundle);
    expect(fs.existsSync(bundle.path)).to.equal(false);
    expect(fs.existsSync(work)).to.equal(false);
    await bundles().remove(bundle); // also when it is gone
  });

  it('does not delete files in a rootfs', async () => {
    const bundle = await bundles().create('ns', 'web', Buffer.from('{}'));
    fs.writeFileSync(`${bundle.path}/rootfs/precious`, '');
    const error: unknown = await bundles()
      .remove(bundle)
      .catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'ENOTEMPTY' });
    expect(fs.existsSync(`${bundle.path}/rootfs/precious`)).to.equal(true);
  });
});
