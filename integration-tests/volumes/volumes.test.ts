/** Volumes by our command line and by docker's: named, anonymous, shared, mounted by options, removed. */
import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checked } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

interface ShownMount {
  Type: string;
  Name?: string;
  Source: string;
  Destination: string;
  Mode: string;
  RW: boolean;
}

for (const client of clients) {
  describe(`volumes, by ${client.name}`, () => {
    let stack: Stack;
    let busybox: string;
    const volume = `data-${client.name}`;
    const box = `box-${client.name}`;

    const { ok, fails } = checked((...args) => client.run(stack, args));
    const mountsOf = async (name: string): Promise<ShownMount[]> =>
      JSON.parse(await ok('inspect', '-f', '{{json .Mounts}}', name)) as ShownMount[];

    before(async function () {
      needRoot(this);
      client.need(this);
      busybox = `${await devRegistry(this)}/busybox`;
      stack = await sharedStack();
      await ok('pull', busybox);
    });

    afterEach(async () => {
      await client.run(stack, ['rm', '-f', '-v', box, `${box}-2`]);
      await client.run(stack, ['volume', 'rm', '-f', volume]);
      expect(await ok('volume', 'ls', '-q')).to.equal('');
    });

    it('keep their files from container to container', async () => {
      await ok('run', '--rm', '-v', `${volume}:/data`, busybox, 'sh', '-c', 'echo kept > /data/f');
      const read = ['run', '--rm', '-v', `${volume}:/other:ro`, busybox];
      expect(await ok(...read, 'cat', '/other/f')).to.equal('kept');
      expect(await fails(...read, 'touch', '/other/g')).to.contain('Read-only file system');
      expect(await ok('volume', 'ls', '--format', '{{.Driver}} {{.Name}}')).to.equal(
        `local ${volume}`,
      );
      const source = await ok('volume', 'inspect', '-f', '{{.Mountpoint}}', volume);
      expect(fs.readFileSync(path.join(source, 'f'), 'utf8')).to.equal('kept\n');
    });

    it('are shown by inspect and found by filters', async () => {
      await ok('volume', 'create', '--label', 'tier=db', volume);
      await ok('create', '--name', box, '-v', `${volume}:/data`, '-v', '/anon', busybox);
      const [anonymous, named] = (await mountsOf(box)).sort((a, b) =>
        a.Destination < b.Destination ? -1 : 1,
      );
      expect(named).to.deep.include({ Type: 'volume', Name: volume, Mode: 'z', RW: true });
      expect(anonymous?.Name).to.match(/^[0-9a-f]{64}$/);
      const found = (...filters: string[]): Promise<string> =>
        ok('volume', 'ls', '-q', ...filters.flatMap((filter) => ['--filter', filter]));
      expect(await found('label=tier=db')).to.equal(volume);
      expect(await found('label=tier=web')).to.equal('');
      expect(await found('dangling=true')).to.equal('');
      expect(await found('dangling=false', `name=${volume}`)).to.equal(volume);
      expect(await ok('ps', '-aq', '--filter', `volume=${volume}`)).to.not.equal('');
    });

    it('stay while a container has them', async () => {
      const id = await ok('create', '--name', box, '-v', `${volume}:/data`, busybox);
      expect(await fails('volume', 'rm', volume)).to.contain(
        `remove ${volume}: volume is in use - [${id}]`,
      );
      await ok('rm', '-v', box); // takes anonymous volumes only
      expect(await ok('volume', 'ls', '-q')).to.equal(volume);
      await ok('volume', 'rm', volume);
      expect(await fails('volume', 'rm', volume)).to.contain(`get ${volume}: no such volume`);
    });

    it('without a name go with --rm, with rm -v and with prune', async () => {
      await ok('run', '--rm', '-v', '/anon', busybox, 'true');
      expect(await ok('volume', 'ls', '-q')).to.equal('');
      await ok('create', '--name', box, '-v', '/anon', busybox);
      await ok('rm', '-v', box);
      expect(await ok('volume', 'ls', '-q')).to.equal('');
      await ok('create', '--name', box, '-v', '/anon', '-v', `${volume}:/data`, busybox);
      await ok('rm', box);
      expect(await ok('volume', 'prune', '-f')).to.contain('Deleted Volumes:');
      expect(await ok('volume', 'ls', '-q')).to.equal(volume);
      expect(await ok('volume', 'prune', '-f', '-a')).to.contain(volume);
    });

    it('are taken over from another container', async () => {
      await ok('run', '--name', box, '-v', '/anon', busybox, 'sh', '-c', 'echo shared > /anon/f');
      const taken = ['run', '--rm', '--volumes-from', `${box}:ro`, busybox];
      expect(await ok(...taken, 'cat', '/anon/f')).to.equal('shared');
      expect(await fails(...taken, 'touch', '/anon/g')).to.contain('Read-only file system');
      expect(await ok('volume', 'ls', '-q')).to.not.equal(''); // --rm left what the other one has
      expect(await fails('run', '--rm', '--volumes-from', 'nobody', busybox)).to.contain(
        'No such container: nobody',
      );
    });

    it('with options are mounts, as long as a container runs', async () => {
      await ok(
        ...['volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', '-o', 'o=size=1m'],
        volume,
      );
      const mounts = (): string => fs.readFileSync('/proc/self/mounts', 'utf8');
      await ok('run', '-d', '--name', box, '-v', `${volume}:/data`, busybox, 'sleep', '60');
      expect(await ok('exec', box, 'grep', ' /data ', '/proc/mounts')).to.contain('size=1024k');
      await ok('run', '--rm', '-v', `${volume}:/data`, busybox, 'touch', '/data/f');
      expect(await ok('exec', box, 'ls', '/data')).to.equal('f');
      expect(mounts()).to.contain(`/${volume}/_data `);
      await ok('rm', '-f', box);
      expect(mounts()).to.not.contain(`/${volume}/_data `);
      expect(await fails('volume', 'create', '-o', 'nonsense=1', `${volume}x`)).to.contain(
        'invalid option: "nonsense"',
      );
    });

    it('that bind a folder read-only cannot be written', async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bound-'));
      fs.writeFileSync(path.join(folder, 'f'), 'of the host');
      await ok('volume', 'create', '-o', 'o=bind,ro', '-o', `device=${folder}`, volume);
      const inBox = (...command: string[]) => [
        'run',
        '--rm',
        '-v',
        `${volume}:/data`,
        busybox,
        ...command,
      ];
      expect(await ok(...inBox('cat', '/data/f'))).to.equal('of the host');
      expect(await fails(...inBox('touch', '/data/g'))).to.contain('Read-only file system');
      fs.rmSync(folder, { recursive: true });
    });

    it('with options stay for a container that starts while another one ends', async () => {
      await ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', volume);
      for (let round = 0; round < 4; round++) {
        const mounted = ['-v', `${volume}:/data`, busybox];
        await ok('run', '-d', '--name', box, ...mounted, 'sleep', '60');
        await ok('create', '--name', `${box}-2`, ...mounted, 'stat', '-f', '-c', '%T', '/data');
        const [type] = await Promise.all([ok('start', '-a', `${box}-2`), ok('kill', box)]);
        expect(type, `round ${round}`).to.equal('tmpfs');
        await ok('rm', '-f', box, `${box}-2`);
      }
      expect(fs.readFileSync('/proc/self/mounts', 'utf8')).to.not.contain(`/${volume}/_data `);
    });

    it('with options are counted on by an engine that comes after a SIGKILL', async () => {
      await ok('volume', 'create', '-o', 'type=tmpfs', '-o', 'device=tmpfs', volume);
      for (const name of [box, `${box}-2`]) {
        await ok('run', '-d', '--name', name, '-v', `${volume}:/data`, busybox, 'sleep', '60');
      }
      await ok('exec', box, 'touch', '/data/f');
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
      await ok('rm', '-f', box);
      const list = ['run', '--rm', '-v', `${volume}:/data`, busybox, 'ls', '/data'];
      expect(await ok(...list)).to.equal('f');
      await ok('rm', '-f', `${box}-2`);
      expect(fs.readFileSync('/proc/self/mounts', 'utf8')).to.not.contain(`/${volume}/_data `);
      expect(await ok(...list)).to.equal('');
    });

    it('are refused when they make no sense, and nothing is made', async () => {
      for (const [bind, words] of [
        ['a/b:/data', 'invalid characters for a local volume name'],
        [`${volume}:data`, 'must be absolute'],
        [`${volume}:/data:sideways`, 'invalid mode: sideways'],
      ] as const) {
        expect(await fails('create', '--name', box, '-v', bind, busybox)).to.contain(words);
      }
      const twice = ['-v', `${volume}:/data`, '-v', '/tmp:/data'];
      expect(await fails('create', '--name', box, ...twice, busybox)).to.contain(
        'Duplicate mount point: /data',
      );
      expect(
        await fails('create', '--name', box, '--volume-driver', 'x', '-v', `${volume}:/d`, busybox),
      ).to.contain('plugin "x" not found');
    });

    it('outlive the engine, and its containers go on with them', async () => {
      await ok('run', '-d', '--name', box, '-v', `${volume}:/data`, busybox, 'sleep', '60');
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
      await ok('exec', box, 'touch', '/data/f');
      expect(await ok('run', '--rm', '-v', `${volume}:/data`, busybox, 'ls', '/data')).to.equal(
        'f',
      );
      expect(await fails('volume', 'rm', volume)).to.contain('volume is in use');
    });
  });
}
