import { expect } from 'chai';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { TestedImages, type ImageStore, type PulledImage } from './tested-images.ts';

interface Started extends ImageStore {
  stop: () => Promise<unknown>;
}

async function startRealContainerd(): Promise<Started> {
  const docker = await RealDocker.start({ containerdOnly: true });
  return {
    address: docker.containerdAddress,
    namespace: 'engine',
    ctr: (...args) => docker.ctr(['-n', 'engine', ...args]),
    stop: () => docker.stop(),
  };
}

async function startContainerdLite(): Promise<Started> {
  const lite = new ContainerdLite();
  await lite.start();
  return {
    address: lite.address,
    namespace: lite.namespace,
    ctr: (...args) => lite.ctr(...args),
    stop: async () => {
      await lite.end('SIGTERM');
      await lite.remove();
    },
  };
}

for (const [name, start] of [
  ['the real containerd', startRealContainerd],
  ['containerd-lite', startContainerdLite],
] as const) {
  describe(`images over ${name}`, function () {
    this.timeout(120_000);
    let registry: string;
    let store: ImageStore;
    let stop: () => Promise<unknown> = () => Promise.resolve();
    let images: TestedImages;

    before(async function () {
      needRoot(this);
      needPeers(this, 'containerd', 'ctr');
      registry = await devRegistry(this);
      const started = await start();
      store = started;
      stop = started.stop;
      images = new TestedImages(store);
    });
    after(() => stop());

    it('are pulled with docker’s progress, and again without work', async () => {
      const first = await images.run<PulledImage[]>('pull', [`${registry}/busybox`]);
      expect(first.progress).to.include.members([
        'Pulling from busybox',
        'Pulling fs layer',
        'Download complete',
        'Pull complete',
        `Status: Downloaded newer image for ${registry}/busybox:latest`,
      ]);
      expect(first.result?.[0]?.repoTags).to.deep.equal([`${registry}/busybox:latest`]);
      const again = await images.run('pull', [`${registry}/busybox`]);
      expect(again.progress).to.deep.equal([
        'Pulling from busybox',
        `Digest: ${first.result?.[0]?.target.digest ?? ''}`,
        `Status: Image is up to date for ${registry}/busybox:latest`,
      ]);
    });

    it('are complete and unpacked for ctr', async () => {
      await images.pull(`${registry}/debian`);
      const { stdout } = await store.ctr('images', 'check', `name==${registry}/debian:latest`);
      expect(stdout).to.match(/complete \(4\/4\).*true/);
    });

    it('have one id whatever the form of their manifest', async () => {
      const docker = await images.pull(`${registry}/busybox`);
      const oci = await images.pull(`${registry}/busybox:oci`);
      expect(oci.target.mediaType).to.not.equal(docker.target.mediaType);
      expect(oci.id).to.equal(docker.id);
      expect(oci.repoTags).to.include.members([
        `${registry}/busybox:latest`,
        `${registry}/busybox:oci`,
      ]);
    });

    it('are chosen from an index by platform', async () => {
      for (const tag of ['latest', 'list']) {
        const own = await images.pull(`${registry}/multi:${tag}`);
        expect(own.config.architecture).to.equal(process.arch === 'arm64' ? 'arm64' : 'amd64');
        const other = process.arch === 'arm64' ? 'amd64' : 'arm64';
        const foreign = await images.pull(`${registry}/multi:${tag}`, {
          PLATFORM: `linux/${other}`,
        });
        expect(foreign.config.architecture).to.equal(other);
      }
    });

    it('are pulled by digest', async () => {
      const { target, id } = await images.pull(`${registry}/busybox`);
      const byDigest = await images.pull(`${registry}/busybox@${target.digest}`);
      expect(byDigest.id).to.equal(id);
      await images.run('remove', [`${registry}/busybox@${target.digest}`]);
    });

    it('come from memory too', async () => {
      const { result: imported } = await images.run<{ id: string }>('import');
      const { result: seen } = await images.run<{ Id: string; RepoTags: string[] }>('inspect', [
        'hello',
      ]);
      expect(seen?.RepoTags).to.deep.equal(['hello:latest']);
      expect(seen?.Id).to.equal(imported?.id);
      const { stdout } = await store.ctr('images', 'check', 'name==docker.io/library/hello:latest');
      expect(stdout).to.match(/complete \(2\/2\).*true/);
    });

    const broken = [
      [
        'wrong-digest',
        'data_loss',
        /^filesystem layer verification failed for digest sha256:[0-9a-f]{64}$/,
      ],
      ['wrong-diff-id', 'data_loss', /wrong diff ID: expected sha256:[0-9a-f]{64}, got sha256:/],
      [
        'corrupt-layer',
        undefined,
        /failed to register layer sha256:[0-9a-f]{64}: .*(corrupt|damaged)/,
      ],
      ['nosuch', 'not_found', /manifest for .*\/nosuch:latest not found: manifest unknown/],
    ] as const;
    for (const [image, kind, message] of broken) {
      it(`leave nothing behind when they are broken: ${image}`, async () => {
        const before = await images.state();
        const { error } = await images.run('pull', [`${registry}/${image}`]);
        expect(error?.message).to.match(message);
        if (kind !== undefined) expect(error?.kind).to.equal(kind);
        expect(await images.state()).to.deep.equal(before);
      });
    }

    it('are gone without a trace when they are removed', async () => {
      const before = await images.state();
      const { chainId, id } = await images.pull(`${registry}/escape`);
      const { result } = await images.run<object[]>('remove', [`${registry}/escape`]);
      expect(result).to.deep.include({ Untagged: `${registry}/escape:latest` });
      expect(result).to.deep.include({ Deleted: id }).and.to.deep.include({ Deleted: chainId });
      expect(await images.state()).to.deep.equal(before);
    });

    it('stay without a name while a container uses them', async () => {
      const { id } = (await images.run<PulledImage>('import')).result ?? {};
      const env = { IMAGE_USER: '0123456789abcdef' };
      const refused = await images.run('remove', ['hello'], env);
      expect(refused.error?.kind).to.equal('conflict');
      expect(refused.error?.message).to.include(
        'container 0123456789ab is using its referenced image',
      );
      const forced = await images.run('remove', ['hello'], { ...env, FORCE: '1' });
      expect(forced.result).to.not.deep.include({ Deleted: id });
      expect((await images.run('inspect', [id ?? ''])).result).to.include({ Id: id });
      const last = await images.run('remove', [id ?? '']);
      expect(last.result).to.deep.include({ Deleted: id });
    });

    it('that share layers are fetched once when they are pulled at once', async () => {
      for (const tag of ['busybox:latest', 'busybox:oci', 'multi:latest', 'multi:list']) {
        await images.run('remove', [`${registry}/${tag}`], { FORCE: '1' });
      }
      const names = ['busybox:latest', 'busybox:oci', 'multi:latest'].map(
        (tag) => `${registry}/${tag}`,
      );
      const { result, error } = await images.run<PulledImage[]>('pull', names);
      expect(error).to.equal(undefined);
      expect(new Set(result?.map(({ id }) => id)).size).to.equal(1);
      expect((await images.state())['ingests']).to.deep.equal([]);
    });
  });
}
