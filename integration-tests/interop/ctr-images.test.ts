/** What ctr does with images, content and snapshots over containerd-lite is what it does over a real containerd. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { run, runOk } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';
import { CtrPair, type PairedCommand, type Side } from './ctr-pair.ts';

describe('ctr’s images over containerd and over containerd-lite', function () {
  this.timeout(60_000);
  let pair: CtrPair | undefined;
  let image: string;
  let registry: string;
  let scratch = '';

  before(async function () {
    pair = await CtrPair.start(this);
    image = pair.image;
    registry = image.split('/')[0] ?? '';
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'ctr-images-'));
    for (const { name } of pair.sides) fs.mkdirSync(at(name));
  });
  after(async () => {
    await pair?.stop();
    if (scratch !== '') fs.rmSync(scratch, { recursive: true });
  });

  const at = (...names: string[]) => path.join(scratch, ...names);
  const both = (): CtrPair => pair ?? expect.fail('not started');
  const compare = (...commands: PairedCommand[]) => both().compare(...commands);
  const ok = ({ client }: Side, ...args: string[]) => client.ok(...args);
  /** Without its compression gzip is the same whoever made it. */
  const hashOf = (file: string) => createHash('sha256').update(fs.readFileSync(file)).digest('hex');

  const targetOf = async (side: Side, name: string) =>
    (await ok(side, 'images', 'ls', `name==${name}`)).split('\n')[1]?.split(/\s+/)[2] ?? '';
  /** The same on both sides. */
  const target = async (name = image) => targetOf(both().sides[0] ?? expect.fail(), name);
  const topSnapshot = async () => {
    const [real] = both().sides;
    const lines = (await real?.client.ok('snapshots', 'ls'))?.split('\n') ?? [];
    return lines.find((line) => line.startsWith('sha256:'))?.split(' ')[0] ?? '';
  };

  it('lists, labels, tags, checks and removes images', async () => {
    await compare(
      ['images', 'ls'],
      ['images', 'check'],
      ['images', 'label', image, 'a=b'],
      ['images', 'tag', image, 'other:1'],
      ['images', 'tag', image, 'other:1'],
      ['images', 'tag', '--force', image, 'other:1'],
      ['images', 'ls', '-q'],
      ['images', 'rm', 'other:1'],
      ['images', 'rm', 'none:1'],
      ['images', 'label', image, 'a='],
    );
  });

  it('pulls for one platform or all, and says what it cannot find', async () => {
    const name = `${registry}/multi:list`;
    const [real, ours] = await both().both(async (side) => {
      await ok(side, 'images', 'pull', '--plain-http', '--all-platforms', name);
      return ok(side, 'images', 'ls', `name==${name}`);
    });
    expect(ours).to.equal(real);
    const missing = `${registry}/nosuch:1`;
    const refused = await both().both(async ({ client }) => {
      const { status, stderr } = await client.run('images', 'pull', '--plain-http', missing);
      return { status, reason: /ctr: .*/.exec(stderr)?.[0] };
    });
    expect(refused[1]).to.deep.equal(refused[0]);
    await compare(['images', 'check'], ['images', 'rm', name]);
  });

  it('pushes what it has pulled, under the same digest', async () => {
    const digest = await target();
    await both().both(async (side) => {
      const name = `${registry}/pushed-${side.name}:1`;
      await ok(side, 'images', 'push', '--plain-http', name, image);
      const source = `docker://${name}`;
      const { stdout } = await runOk('skopeo', ['inspect', '--tls-verify=false', source]);
      expect((JSON.parse(stdout) as { Digest: string }).Digest).to.equal(digest);
    });
  });

  it('exports and imports archives, byte for byte the same', async () => {
    await compare(
      (side) => ['images', 'export', at(side.name, 'image.tar'), image],
      (side) => ['images', 'export', '--skip-manifest-json', at(side.name, 'bare.tar'), image],
      (side) => ['images', 'export', at(side.name, 'none.tar'), 'none:1'],
    );
    for (const archive of ['image.tar', 'bare.tar']) {
      expect(hashOf(at('lite', archive))).to.equal(hashOf(at('real', archive)));
    }
    // Each takes what the other has written.
    const archive = ({ name }: Side) => at(name === 'real' ? 'lite' : 'real', 'image.tar');
    await compare(
      (side) => ['images', 'import', '--digests', '--base-name', 'imported', archive(side)],
      ['images', 'ls'],
      ['images', 'check'],
      ['images', 'import', '/dev/null'],
    );
  });

  it('converts', async () => {
    await compare(
      ['images', 'convert', '--uncompress', image, 'plain:1'],
      ['images', 'convert', '--oci', image, 'oci:1'],
      ['images', 'convert', '--uncompress', '--oci', image, 'both:1'],
      ['images', 'ls'],
      ['images', 'rm', '--sync', 'plain:1', 'oci:1', 'both:1'],
    );
  });

  it('mounts and unmounts', async () => {
    const trees = await both().both(async (side) => {
      const folder = at(side.name, 'mounted');
      fs.mkdirSync(folder);
      await ok(side, 'images', 'mount', '--rw', image, folder);
      try {
        fs.writeFileSync(path.join(folder, 'written'), '');
        return fs.readdirSync(folder).sort();
      } finally {
        await ok(side, 'images', 'unmount', '--rm', folder);
      }
    });
    expect(trees[1]).to.deep.equal(trees[0]);
    await compare(['images', 'mount', 'none:1', '/none'], ['snapshots', 'ls']);
  });

  it('lists, labels, reads, edits and prunes content', async () => {
    const digest = await target();
    const missing = `sha256:${'0'.repeat(64)}`;
    const added = `{"schemaVersion": 2, "added": true}`;
    await compare(
      ['content', 'ls'],
      ['content', 'active'],
      ['content', 'label', digest, 'x=y'],
      ['content', 'get', digest],
      ['content', 'get', missing],
      ['content', 'edit', '--editor', 'true', digest],
      ['content', 'edit', '--editor', `sed -i '1s/.*/${added}/'`, digest],
      ['content', 'get', `sha256:${createHash('sha256').update(added).digest('hex')}`],
      ['content', 'rm', missing],
      ['content', 'prune', 'references', '--dry'],
      ['content', 'ls', '-q'],
    );
  });

  it('fetches content without unpacking it', async () => {
    const name = `${registry}/busybox:oci`;
    await both().both((side) => ok(side, 'content', 'fetch', '--plain-http', name));
    const digest = await target(name);
    await compare(
      ['images', 'check', `name==${name}`],
      ['content', 'fetch-object', '--plain-http', name, digest],
      ['images', 'rm', name],
    );
  });

  it('makes, shows, commits and removes snapshots', async () => {
    // What images that were removed before have left is not to be collected in the midst of this: a view has no root.
    await compare(
      ['leases', 'create', '--id', 'collected'],
      ['leases', 'delete', '--sync', 'collected'],
    );
    const parent = await topSnapshot();
    await compare(
      ['snapshots', 'prepare', 'k1', parent],
      ['snapshots', 'prepare', 'k1', parent],
      ['snapshots', 'prepare', 'k2', 'none'],
      ['snapshots', 'info', 'k1'],
      ['snapshots', 'label', 'k1', 'l=1'],
      ['snapshots', 'usage'],
      ['snapshots', 'usage', '-b', 'k1'],
      ['snapshots', 'commit', 'c1', 'k1'],
      ['snapshots', 'view', 'v1', 'c1'],
      // Unlike a prepared one a view is nobody's, and may be collected as soon as anything expires.
      ['snapshots', 'label', 'v1', 'containerd.io/gc.root=2026-01-01T00:00:00Z'],
      ['snapshots', 'ls'],
      ['snapshots', 'tree'],
      ['snapshots', 'rm', 'c1'],
      ['snapshots', 'rm', 'v1'],
      ['snapshots', 'rm', 'c1'],
      ['snapshots', 'info', 'c1'],
      ['snapshots', 'mounts', '/none', 'c1'],
    );
  });

  it('says how a snapshot is mounted', async () => {
    const parent = await topSnapshot();
    const mounts = await both().both(async (side) => {
      await ok(side, 'snapshots', 'prepare', 'm1', parent);
      const command = await ok(side, 'snapshots', 'mounts', '/target', 'm1');
      await ok(side, 'snapshots', 'rm', 'm1');
      const [, options = ''] = command.split(' -o ');
      // Where the snapshots lie, and under which number, is each daemon's own.
      return [
        command.split(' -o ')[0],
        ...options
          .split(',')
          .map((option) => option.replaceAll(/\/\S*?\/snapshots\/\d+/g, 'SNAPSHOT'))
          .sort(),
      ];
    });
    expect(mounts[1]).to.deep.equal(mounts[0]);
  });

  it('packs the difference of snapshots, so that the other side unpacks the same', async () => {
    const parent = await topSnapshot();
    const [real, ours] = await both().both(async (side) => {
      await ok(side, 'snapshots', 'prepare', 'd1', parent);
      const mount = await ok(side, 'snapshots', 'mounts', at(side.name), 'd1');
      const changes =
        'echo new >new; rm bin/ls; chmod 700 etc; rm -r tmp; mkdir -p a/b; ln new a/b/l';
      const script = `${mount}; cd ${at(side.name)}; ${changes}; touch -d @1000000000 . new bin etc a a/b`;
      await runOk('unshare', ['-m', 'sh', '-ec', script]);
      const layer = at(side.name, 'layer');
      const { address } = side.daemon;
      const ctr = ['ctr', '-a', address, '-n', side.client.namespace, 'snapshots', 'diff'];
      await runOk('sh', ['-c', `${ctr.join(' ')} --label a=b d1 | gunzip >${layer}`]);
      await ok(side, 'snapshots', 'rm', 'd1');
      const { stdout } = await run('tar', ['--full-time', '--numeric-owner', '-tvf', layer]);
      // The times of whiteouts have no meaning: ours are the same for the same trees.
      return stdout
        .split('\n')
        .map((line) => (line.includes('.wh.') ? line.split(' ').at(-1) : line));
    });
    expect(ours).to.deep.equal(real);
    expect(real)
      .to.include('bin/.wh.ls')
      .and.to.satisfy((lines: string[]) => lines.some((line) => line.includes(' link to ')));
  });

  it('unpacks a manifest again', async () => {
    const digest = await target();
    await compare(
      ['snapshots', 'unpack', digest],
      ['snapshots', 'unpack', `sha256:${'0'.repeat(64)}`],
    );
  });

  it('uses another snapshotter on demand', async () => {
    const native = ['--snapshotter', 'native'];
    await both().both((side) => ok(side, 'images', 'pull', '--plain-http', ...native, image));
    await compare(
      ['snapshots', ...native, 'ls'],
      ['snapshots', ...native, 'usage'],
      ['run', '--rm', ...native, '--runtime', 'io.containerd.runc.v2', image, 'n', 'ls', '/'],
      ['snapshots', '--snapshotter', 'none', 'ls'],
    );
  });

  it('sees the same events of images, content and snapshots', async () => {
    const [real, ours] = await both().both(async ({ client, daemon: { address } }) => {
      let seen = '';
      const events = ['-a', address, '-n', client.namespace, 'events'];
      const listening = run('timeout', ['20', 'ctr', ...events], {
        onStdout: (text) => (seen = text),
      });
      // Nothing says that a subscription stands, so events are made until one arrives.
      await waitFor('the subscription', async () => {
        await client.ok('images', 'tag', '--force', image, 'seen:1');
        return seen !== '';
      });
      await client.ok('images', 'rm', 'seen:1');
      await waitFor('the first', () => seen.includes('/images/delete'));
      const before = seen.length;
      await client.ok('snapshots', 'prepare', 'e1');
      await client.ok('snapshots', 'commit', 'e2', 'e1');
      await client.ok('snapshots', 'rm', 'e2');
      await client.ok('images', 'tag', image, 'seen:2');
      await client.ok('images', 'label', 'seen:2', 'a=b');
      await client.ok('images', 'rm', 'seen:2');
      await waitFor('the last', () => seen.slice(before).includes('/images/delete'));
      void listening.catch(() => undefined); // timeout(1) ends it
      return seen
        .slice(before)
        .split('\n')
        .map((line) => line.replace(/^.*? \w+ \//, '/'))
        .map((line) => line.replace(client.namespace, 'NAMESPACE'));
    });
    expect(ours).to.deep.equal(real);
    expect(real.join('\n')).to.match(/\/snapshot\/commit .*e2/);
  });
});
