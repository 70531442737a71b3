/** Images made, named and sent away by docker's command line, over each containerd. */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { checked, run, runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { containerdPeers, type RunningPeer } from './containerd-peers.ts';

for (const { name, start } of containerdPeers) {
  describe(`images over ${name}`, () => {
    let peer: RunningPeer | undefined;
    let registry: string;
    let busybox: string;
    const box = 'commit-box';

    const docker = (...args: string[]) => run('docker', ['-H', peer?.stack.host ?? '', ...args]);
    const { ok } = checked(docker);

    before(async function () {
      needRoot(this);
      this.timeout(120_000);
      needPeers(this, 'docker', 'skopeo', 'curl');
      registry = await devRegistry(this);
      busybox = `${registry}/busybox`;
      peer = await start(this);
      await ok('pull', '-q', busybox);
    });

    after(() => peer?.stop());

    afterEach(async () => {
      await docker('rm', '-f', box);
      await docker('rmi', '-f', 'made:1', 'made:2', `${registry}/made:1`);
    });

    it('are committed from what a container changed', async () => {
      const script = 'echo kept > /kept; rm /bin/vi; chown 7:8 /kept; sleep 300';
      await ok('run', '-d', '--name', box, '-e', 'A=1', busybox, 'sh', '-c', script);
      await ok('exec', box, 'sh', '-c', 'until test -e /kept; do sleep 0.1; done');
      const changes = ['CMD ["cat","/kept"]', 'ENV B="2 3" C=4', 'LABEL tier=db', 'EXPOSE 80'];
      const id = await ok(
        ...['commit', '-m', 'words', '-a', 'somebody', ...changes.flatMap((text) => ['-c', text])],
        ...[box, 'made:1'],
      );
      expect(id).to.match(/^sha256:[0-9a-f]{64}$/);
      expect(await ok('run', '--rm', 'made:1')).to.equal('kept');
      const look = 'stat -c %u:%g /kept; test -e /bin/vi || echo gone; echo $A $B';
      expect(await ok('run', '--rm', 'made:1', 'sh', '-c', look)).to.equal('7:8\ngone\n1 2 3');
      const shown = '{{.Author}} {{.Config.Labels.tier}} {{json .Config.ExposedPorts}}';
      expect(await ok('inspect', '-f', shown, 'made:1')).to.equal('somebody db {"80/tcp":{}}');
      const [newest = ''] = (
        await ok('history', '--no-trunc', '--format', '{{.CreatedBy}}|{{.Comment}}', 'made:1')
      ).split('\n');
      expect(newest).to.equal(`sh -c ${script}|words`);
      expect(await ok('inspect', '-f', '{{.State.Status}}', box)).to.equal('running');
      expect((await docker('commit', '-c', 'RUN x', box, 'made:2')).stderr).to.contain(
        'RUN is not a valid change command',
      );
    });

    it('have as many names as they are given', async () => {
      await ok('tag', busybox, 'made:1');
      await ok('tag', 'made:1', 'made:2');
      const idOf = (name: string): Promise<string> => ok('inspect', '-f', '{{.Id}}', name);
      expect(await idOf('made:2')).to.equal(await idOf(busybox));
      expect(await ok('rmi', 'made:1')).to.equal('Untagged: made:1');
      expect(await ok('run', '--rm', 'made:2', 'echo', 'there')).to.equal('there');
      expect((await docker('tag', 'nosuch', 'made:1')).stderr).to.contain('No such image: nosuch');
      expect((await docker('tag', busybox, 'a//b')).stderr).to.contain('invalid reference');
    });

    it('are pushed as they are, and taken by others', async () => {
      await ok('run', '-d', '--name', box, busybox, 'sh', '-c', 'echo pushed > /p; sleep 300');
      await ok('exec', box, 'sh', '-c', 'until test -e /p; do sleep 0.1; done');
      const image = `${registry}/made:1`;
      await ok('commit', box, image);
      const pushed = await ok('push', image);
      expect(pushed)
        .to.match(/: (Pushed|Mounted)/)
        .and.to.match(/1: digest: sha256:[0-9a-f]{64} size/);
      const [, digest = ''] = /digest: (sha256:[0-9a-f]+)/.exec(pushed) ?? [];
      const inspected = await run('skopeo', [
        ...['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${image}`],
      ]);
      expect(inspected.stdout.trim()).to.equal(digest);
      expect(await ok('push', image)).to.contain('Layer already exists');
      await ok('rmi', '-f', image);
      expect(await ok('run', '--rm', image, 'cat', '/p')).to.equal('pushed');
      expect((await docker('push', `${registry}/nosuch`)).stderr).to.contain(
        `An image does not exist locally with the tag: ${registry}/nosuch`,
      );
      expect((await docker('push', `${registry}/busybox:none`)).stderr).to.contain(
        `tag does not exist: ${registry}/busybox:none`,
      );
    });

    it('are saved to archives and loaded again, ours and those of others', async () => {
      const archive = path.join(os.tmpdir(), `images-${process.pid}.tar`);
      try {
        await ok('tag', busybox, 'made:1');
        const id = await ok('inspect', '-f', '{{.Id}}', 'made:1');
        await ok('save', '-o', archive, 'made:1');
        await ok('rmi', '-f', 'made:1', busybox);
        expect(await ok('load', '-i', archive)).to.equal('Loaded image: made:1');
        expect(await ok('inspect', '-f', '{{.Id}}', 'made:1')).to.equal(id);
        expect(await ok('run', '--rm', 'made:1', 'echo', 'loaded')).to.equal('loaded');
        fs.rmSync(archive);
        await runOk('skopeo', [
          ...['copy', '-q', '--src-tls-verify=false', `docker://${busybox}`],
          `docker-archive:${archive}:made:2`,
        ]);
        expect(await ok('load', '-i', archive)).to.equal('Loaded image: made:2');
        await ok('tag', 'made:2', 'made:3');
        const moved = await ok('load', '-i', archive);
        expect(moved).to.equal('Loaded image: made:2');
        await ok('save', '-o', archive, 'made:2', 'made:3', id);
        await ok('rmi', '-f', 'made:2', 'made:3');
        const both = await ok('load', '-i', archive);
        expect(both.split('\n').sort()).to.deep.equal([
          `Loaded image ID: ${id}`,
          'Loaded image: made:2',
          'Loaded image: made:3',
        ]);
        await ok('rmi', '-f', 'made:3');
        await ok('save', '-o', archive, 'made:2');
        for (const program of ['xz', 'bzip2']) {
          const options = { input: fs.readFileSync(archive), maxBuffer: 1 << 26 };
          fs.writeFileSync(`${archive}.${program}`, execFileSync(program, ['-1', '-c'], options));
          const loaded = await ok('load', '-i', `${archive}.${program}`);
          fs.rmSync(`${archive}.${program}`);
          expect(loaded).to.equal('Loaded image: made:2');
        }
        fs.writeFileSync(archive, 'no archive at all');
        expect((await docker('load', '-i', archive)).stderr).to.contain('tar archive');
        expect((await docker('save', 'nosuch')).stderr).to.contain('reference does not exist');
      } finally {
        fs.rmSync(archive, { force: true });
        await ok('pull', '-q', busybox);
      }
    });

    it('are made of the archive of a root file system', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'root-'));
      const [plain, packed, bad] = ['plain', 'packed', 'bad'].map((file) =>
        path.join(folder, file),
      );
      try {
        await ok('run', '--name', box, busybox, 'true');
        await ok('export', '-o', plain ?? '', box);
        fs.writeFileSync(packed ?? '', zlib.gzipSync(fs.readFileSync(plain ?? '')));
        const byProgram = ['xz', 'bzip2'].map((program) => {
          const options = { input: fs.readFileSync(plain ?? ''), maxBuffer: 1 << 26 };
          const file = path.join(folder, program);
          fs.writeFileSync(file, execFileSync(program, ['-1', '-c'], options));
          return file;
        });
        for (const archive of [plain ?? '', packed ?? '', ...byProgram]) {
          const changes = ['-c', 'CMD ["echo","imported"]', '-c', 'ENV A=1', '-m', 'by hand'];
          const id = await ok('import', ...changes, archive, 'made:1');
          expect(id).to.match(/^sha256:[0-9a-f]{64}$/);
          expect(await ok('run', '--rm', 'made:1')).to.equal('imported');
          expect(await ok('run', '--rm', 'made:1', 'sh', '-c', 'echo $A')).to.equal('1');
          const shown = '{{.Id}} {{.Comment}} {{len .RootFS.Layers}}';
          expect(await ok('inspect', '-f', shown, 'made:1')).to.equal(`${id} by hand 1`);
          await ok('rmi', '-f', id);
        }
        const before = await peer?.ctr('content', 'ls', '-q');
        fs.writeFileSync(bad ?? '', Buffer.alloc(100_000, 'x'));
        expect((await docker('import', bad ?? '', 'made:1')).stderr).to.match(/ tar /);
        fs.writeFileSync(bad ?? '', fs.readFileSync(packed ?? '').subarray(0, 50_000));
        expect((await docker('import', bad ?? '', 'made:1')).stderr).to.contain('gzip');
        const wrong = await docker('import', '-c', 'RUN x', plain ?? '', 'made:1');
        expect(wrong.stderr).to.contain('RUN is not a valid change command');
        expect((await docker('import', plain ?? '', 'a//b')).stderr).to.contain(
          'invalid reference',
        );
        expect(await peer?.ctr('content', 'ls', '-q')).to.equal(before);
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    });

    it('go with prune when they have no name and no container', async () => {
      await ok('run', '-d', '--name', box, busybox, 'sleep', '300');
      await ok('commit', box);
      expect(await ok('images', '-q', '-f', 'dangling=true')).to.not.equal('');
      expect(await ok('image', 'prune', '-f')).to.contain('deleted: sha256:');
      expect(await ok('images', '-q', '-f', 'dangling=true')).to.equal('');
      expect(await ok('image', 'prune', '-a', '-f', '--filter', 'label=nobody=has')).to.contain(
        '0B',
      );
      expect(await ok('images', '-q', busybox)).to.not.equal('');
    });
  });
}
