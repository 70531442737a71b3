/** Images that both daemons pull look the same to a process; and what we push is what everybody else reads. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { pushImage } from '#lib/registry/push-image';
import { RegistryClient } from '#lib/registry/registry-client';
import { lgetxattr, lsetxattr } from '#lib/sys/xattr';
import { parseReference } from '#spec/reference';
import { mediaTypes } from '#spec/oci/image';
import { run, runOk } from '../harness/command.ts';
import { needPeers } from '../harness/peers.ts';
import { CtrPair, type Side } from '../interop/ctr-pair.ts';
import { describeTree, type Description } from '../../lib/test/pack/described-tree.ts';
import { adversarialImage, capability, imageOf, type TestImage } from './adversarial-image.ts';

describe('images pulled by containerd and by containerd-lite', function () {
  this.timeout(120_000);
  let pair: CtrPair | undefined;
  let registry: string;
  let scratch = '';

  before(async function () {
    needPeers(this, 'skopeo', 'umoci');
    pair = await CtrPair.start(this);
    registry = pair.image.split('/')[0] ?? '';
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'same-trees-'));
    for (const { name } of pair.sides) fs.mkdirSync(at(name));
  });
  after(async () => {
    await pair?.stop();
    if (scratch !== '') fs.rmSync(scratch, { recursive: true });
  });

  const at = (...names: string[]) => path.join(scratch, ...names);
  const both = (): CtrPair => pair ?? expect.fail('not started');

  /** Pulls and mounts the image, and lets `look` see it. */
  async function withTree<T>({ name, client }: Side, image: string, look: (root: string) => T) {
    await client.ok('images', 'pull', '--plain-http', image);
    await client.ok('images', 'mount', image, at(name));
    try {
      return look(at(name));
    } finally {
      await client.ok('images', 'unmount', '--rm', at(name));
    }
  }

  async function push({ manifest, source }: TestImage, name: string): Promise<string> {
    const client = new RegistryClient();
    try {
      await pushImage(client.repository(parseReference(name)), manifest, source);
    } finally {
      client.close();
    }
    return manifest.digest;
  }

  it('are the same: busybox and debian', async () => {
    for (const image of ['busybox', 'debian']) {
      const name = `${registry}/${image}:latest`;
      const [real, ours] = await both().both((side) =>
        withTree(side, name, (root) => describeTree(root, onlyTimed('bin', 'usr/bin', 'var'))),
      );
      expect(ours).to.deep.equal(real);
      expect(real.length).to.be.above(image === 'debian' ? 5000 : 10);
    }
  });

  it('are the same: one with everything that a layer can hold', async () => {
    const name = `${registry}/adversarial:1`;
    await push(adversarialImage(mediaTypes.ociLayerZstd), name); // umoci reads no zstd
    const [real, ours] = await both().both((side) =>
      withTree(side, name, (root) => describeTree(root, onlyTimed('dir-to-file'))),
    );
    expect(ours).to.deep.equal(real);
    const names = real.map((line) => line.split(' ')[0]);
    expect(names).to.include.members(['dir/file', 'sparse', 'opaque', 'gone/back']);
    expect(names).to.not.include.members(['dir/hard', 'opaque/a', 'gone/inside', 'opaque/new']);
  });

  it('are read by skopeo and umoci after our push, with the digest that they had', async () => {
    const name = `${registry}/pushed/adversarial:2`;
    const digest = await push(adversarialImage(), name);
    const source = `docker://${name}`;
    const inspected = await runOk('skopeo', ['inspect', '--tls-verify=false', source]);
    expect((JSON.parse(inspected.stdout) as { Digest: string }).Digest).to.equal(digest);
    const layout = at('layout');
    const copy = ['copy', '-q', '--src-tls-verify=false', '--preserve-digests'];
    await runOk('skopeo', [...copy, source, `oci:${layout}:image`]);
    const index = JSON.parse(fs.readFileSync(path.join(layout, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[];
    };
    expect(index.manifests.map((manifest) => manifest.digest)).to.deep.equal([digest]);
    await runOk('umoci', ['unpack', '--image', `${layout}:image`, at('bundle')]);
    const ping = path.join(at('bundle'), 'rootfs/ping');
    expect(lgetxattr(ping, 'security.capability').equals(capability)).to.equal(true);
  });

  it('keep file capabilities from a container through a commit, a push and a pull', async () => {
    const { image } = both();
    const [, side] = both().sides;
    if (side) {
      const { client, daemon } = side;
      const runc = ['--runtime', 'io.containerd.runc.v2'];
      const script = 'cp /bin/busybox /bin/capable; rm -r /tmp; mkdir -m 700 /made';
      await client.ok('run', ...runc, image, 'made', 'sh', '-c', script);
      // busybox has no setcap(8)
      const mount = await client.ok('snapshots', 'mounts', at(side.name), 'made');
      await runOk('sh', ['-c', mount]);
      lsetxattr(at(side.name, 'bin/capable'), 'security.capability', capability);
      await runOk('umount', [at(side.name)]);
      const ctr = ['ctr', '-a', daemon.address, '-n', client.namespace];
      const diff = [...ctr, 'snapshots', 'diff', '--media-type', mediaTypes.ociLayer, 'made'];
      await runOk('sh', ['-c', `${diff.join(' ')} >${at('layer.tar')}`]);
      await client.ok('containers', 'rm', 'made');
    }
    const committed = imageOf([
      { mediaType: mediaTypes.ociLayerGzip, archive: await baseLayerOf(image) },
      { mediaType: mediaTypes.ociLayer, archive: fs.readFileSync(at('layer.tar')) },
    ]);
    const name = `${registry}/committed:1`;
    await push(committed, name);
    const [real, ours] = await both().both((side) =>
      withTree(side, name, (root) => ({
        tree: describeTree(root, onlyTimed()),
        capability: lgetxattr(path.join(root, 'bin/capable'), 'security.capability'),
      })),
    );
    expect(ours.tree).to.deep.equal(real.tree);
    expect(ours.capability.equals(capability)).to.equal(true);
    expect(ours.tree.some((line) => line.startsWith('tmp '))).to.equal(false);
  });

  /** The only layer of busybox, without its compression. */
  async function baseLayerOf(image: string): Promise<Buffer> {
    const folder = at('base');
    const copy = ['copy', '-q', '--src-tls-verify=false', `docker://${image}`, `dir:${folder}`];
    await runOk('skopeo', copy);
    const manifest = JSON.parse(fs.readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as {
      layers: { digest: string }[];
    };
    const layer = path.join(folder, manifest.layers[0]?.digest.replace('sha256:', '') ?? '');
    const archive = at('base.tar');
    expect((await run('sh', ['-c', `gunzip <${layer} >${archive}`])).status).to.equal(0);
    return fs.readFileSync(archive);
  }
});

/** containerd gives no time to the root, and to directories that a layer implies that of unpacking. Ours have times. */
function onlyTimed(...names: readonly string[]): Description {
  return { timed: ({ name, isDirectory }) => !isDirectory || names.includes(name) };
}
