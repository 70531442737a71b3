import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { applyLayer } from '#lib/unpack/apply-layer';
import { encodedOf, parseDigest } from '#spec/digest';
import { parseManifest } from '#spec/oci/image';
import { describeTree, type Description } from '../../lib/test/pack/described-tree.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';

/** Times of unpacking say nothing: whiteouts have them, and with containerd directories that a layer only implies. */
const description: Description = {
  timed: ({ isDirectory, isWhiteout }) => !isDirectory && !isWhiteout,
  overlayAttributes: true,
};

describe('applyLayer beside the real containerd', function () {
  this.timeout(120_000);
  let registry: string;
  let docker: RealDocker;
  let scratch = '';

  before(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'ctr');
    registry = await devRegistry(this);
    docker = await RealDocker.start({ containerdOnly: true });
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'unpack-'));
  });
  after(async () => {
    if (scratch === '') return; // skipped
    fs.rmSync(scratch, { recursive: true, force: true });
    await docker.stop();
  });

  /** Each image has a namespace, and so a set of snapshots, of its own. */
  const ctrIn = async (namespace: string, ...args: string[]) => {
    const { status, stdout, stderr } = await docker.ctr(['-n', namespace, ...args]);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };

  /** Where containerd keeps a blob. */
  const blob = (digest: string) =>
    path.join(
      docker.root,
      'containerd-root/io.containerd.content.v1.content/blobs/sha256',
      encodedOf(parseDigest(digest)),
    );

  /** The directories of containerd's snapshots, the lowest layer first. */
  async function snapshotFolders(namespace: string, chainId: string): Promise<string[]> {
    const mounts = await ctrIn(
      namespace,
      'snapshots',
      'view',
      '--mounts',
      `view ${chainId}`,
      chainId,
    );
    const lower = /lowerdir=([^,\s"]+)/.exec(mounts)?.[1];
    return lower === undefined
      ? (/\/[^\s"]+\/fs\b/.exec(mounts) ?? [])
      : lower.split(':').reverse();
  }

  for (const image of ['busybox', 'debian', 'escape']) {
    it(`makes the same files of ${image}`, async () => {
      const name = `${registry}/${image}:latest`;
      const ctr = (...args: string[]) => ctrIn(image, ...args);
      await ctr('images', 'pull', '--plain-http', name);
      const [, , target = ''] =
        (await ctr('images', 'ls', `name==${name}`)).split('\n')[1]?.split(/\s+/) ?? [];
      const manifest = parseManifest(JSON.parse(fs.readFileSync(blob(target), 'utf8')));
      const chains = (await ctr('snapshots', 'ls'))
        .split('\n')
        .map((line) => line.split(/\s+/))
        .filter(([key]) => key?.startsWith('sha256:'));
      const parents = new Set(chains.map(([, parent]) => parent));
      const ours: string[] = [];
      for (const [i, layer] of manifest.layers.entries()) {
        const folder = path.join(scratch, image, String(i));
        fs.mkdirSync(folder, { recursive: true });
        const options =
          i === 0
            ? ({ whiteouts: 'delete' } as const)
            : ({ whiteouts: 'overlay', lowerDirectories: [...ours].reverse() } as const);
        await applyLayer(fs.createReadStream(blob(layer.digest)), folder, options);
        ours.push(folder);
      }
      const top = chains.map(([key = '']) => key).filter((key) => !parents.has(key));
      const candidates = await Promise.all(top.map((chainId) => snapshotFolders(image, chainId)));
      const theirs = candidates.find((folders) => folders.length === ours.length) ?? [];
      expect(theirs).to.have.length(ours.length);
      for (const [i, folder] of ours.entries()) {
        expect(describeTree(folder, description)).to.deep.equal(
          describeTree(theirs[i]!, description),
        );
      }
    });
  }
});
