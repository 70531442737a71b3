/** Images for several platforms, and repositories with several tags, over each containerd. */
import { expect } from 'chai';
import { checked, run, runOk } from '../harness/command.ts';
import { needPeers } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { ApiClient } from './api-client.ts';
import { containerdPeers, type RunningPeer } from './containerd-peers.ts';

const own = process.arch === 'arm64' ? 'arm64' : 'amd64';
const foreign = own === 'arm64' ? 'amd64' : 'arm64';
const platform = (architecture: string): string =>
  encodeURIComponent(JSON.stringify({ os: 'linux', architecture }));

for (const { name, start } of containerdPeers) {
  describe(`platforms and tags over ${name}`, function () {
    this.timeout(120_000);
    let peer: RunningPeer | undefined;
    let registry: string;
    let multi: string;
    let api: ApiClient;

    const docker = (...args: string[]) => run('docker', ['-H', peer?.stack.host ?? '', ...args]);
    const { ok } = checked(docker);
    const inspect = async (query = ''): Promise<Record<string, unknown>> => {
      const { body } = await api.call('GET', `/images/${multi}/json${query}`);
      return body as Record<string, unknown>; // looked into by its user
    };

    before(async function () {
      this.timeout(600_000);
      needPeers(this, 'docker', 'skopeo');
      registry = await devRegistry(this);
      multi = `${registry}/multi:latest`;
      peer = await start(this);
      api = new ApiClient(peer.stack.host);
      await ok('pull', '-q', multi);
    });
    after(() => peer?.stop());

    it('are stored beside each other under one name', async () => {
      expect(await inspect()).to.include({ Architecture: own });
      const missing = await inspect(`?platform=${platform(foreign)}`);
      expect(missing['message']).to.equal(
        `image with reference ${multi} was found but its platform (linux/${own}) does not match the specified platform (linux/${foreign})`,
      );
      await ok('pull', '-q', '--platform', `linux/${foreign}`, multi);
      expect(await inspect(`?platform=${platform(foreign)}`)).to.include({ Architecture: foreign });
      expect(await inspect(`?platform=${platform(own)}`)).to.include({ Architecture: own });
      const { Manifests: manifests } = (await inspect('?manifests=1')) as {
        Manifests: { Available: boolean; Kind: string }[];
      };
      expect(manifests.map(({ Available, Kind }) => [Available, Kind])).to.deep.equal([
        [true, 'image'],
        [true, 'image'],
      ]);
    });

    it('are saved and pushed alone', async () => {
      const target = `${registry}/alone-${own}:1`;
      await ok('tag', multi, target);
      await ok('push', '--platform', `linux/${own}`, target);
      const { stdout } = await runOk('skopeo', [
        ...['inspect', '--raw', '--tls-verify=false', `docker://${target}`],
      ]);
      expect(JSON.parse(stdout)).to.have.property('config');
      const wrong = await docker('push', '--platform', 'linux/s390x', target);
      expect(wrong.stderr).to.contain('does not match the specified platform (linux/s390x)');
      const saved = await api.call('GET', `/images/${multi}/get?platform=${platform('s390x')}`);
      expect(saved.status).to.equal(404);
      await ok('rmi', target);
    });

    it('are removed one by one', async () => {
      const { status, body } = await api.call(
        'DELETE',
        `/images/${multi}?platforms=${platform(foreign)}`,
      );
      expect(status, JSON.stringify(body)).to.equal(200);
      expect(body).to.have.length(1);
      expect(await inspect(`?platform=${platform(foreign)}`)).to.have.property('message');
      expect(await ok('run', '--rm', multi, 'echo', 'there')).to.equal('there');
    });

    it('of a kind that is not there are told in docker’s words', async () => {
      const { stderr } = await docker('pull', '--platform', 'linux/s390x', multi);
      expect(stderr).to.contain(
        'no matching manifest for linux/s390x in the manifest list entries',
      );
      const create = (kind: string) =>
        docker('create', '--rm', '--pull', 'never', '--platform', kind, multi, 'true');
      const refused = await create('linux/s390x');
      expect([refused.status, refused.stderr.includes('linux/s390x')]).to.deep.equal([1, true]);
      const created = await create(`linux/${own}`);
      expect(created.status, created.stderr).to.equal(0);
      await ok('rm', created.stdout.trim());
      const busybox = `${registry}/busybox`;
      const warned = await ok('pull', '--platform', 'linux/s390x', busybox);
      expect(warned).to.contain(
        `WARNING: image with reference ${busybox}:latest was found but its platform (linux/${own}) does not match the specified platform (linux/s390x)`,
      );
      const bad = await api.call(
        'GET',
        `/images/${multi}/json?platform=${encodeURIComponent('{}')}`,
      );
      expect([bad.status, bad.body]).to.deep.equal([
        400,
        { message: 'both OS and Architecture must be provided' },
      ]);
    });

    it('all tags of a repository are pulled and pushed', async () => {
      const pulled = await ok('pull', '-a', `${registry}/busybox`);
      expect(pulled).to.match(/latest: Pulling from busybox[^]*oci: Pulling from busybox/);
      expect(pulled).to.match(
        /Status: (Downloaded newer image|Image is up to date) for .*busybox$/m,
      );
      const target = `${registry}/tags-${own}`;
      await ok('tag', `${registry}/busybox:latest`, `${target}:1`);
      await ok('tag', `${registry}/busybox:oci`, `${target}:2`);
      const pushed = await ok('push', '-a', target);
      expect(pushed).to.match(/1: digest: sha256:[^]*2: digest: sha256:/);
      await ok('rmi', `${target}:1`, `${target}:2`);
    });

    it('say how much they share', async () => {
      await ok('run', '--name', 'sharer', `${registry}/busybox`, 'sh', '-c', 'echo x >/x');
      await ok('commit', 'sharer', 'sharing:1');
      await ok('rm', 'sharer');
      const { body } = await api.call('GET', '/images/json?shared-size=1');
      const images = body as { RepoTags: string[]; SharedSize: number; Size: number }[];
      const sharing = images.find(({ RepoTags: tags }) => tags.includes('sharing:1'));
      const base = images.find(({ RepoTags: tags }) => tags.includes(`${registry}/busybox:latest`));
      expect(sharing?.SharedSize).to.equal(base?.Size).and.to.be.greaterThan(0);
      expect(sharing?.Size).to.be.greaterThan(base?.Size ?? 0);
      const plain = await api.call('GET', '/images/json');
      expect((plain.body as { SharedSize: number }[])[0]?.SharedSize).to.equal(-1);
    });
  });
}
