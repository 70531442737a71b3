/** Commands that change something, or tell of what changes: on our daemon and on a real dockerd alike. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { daemons, type Daemon } from './daemons.ts';

for (const daemon of daemons) {
  describe(`engine's commands on ${daemon.name}`, () => {
    const name = 'cli-commands';
    const made = 'cli-made';
    let peer: Daemon;
    let scratch = '';

    before(async function () {
      needRoot(this);
      peer = await daemon.start(this);
      scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'cli-'));
    });

    after(async () => {
      if (!scratch) return; // skipped
      await peer.stop();
      fs.rmSync(scratch, { recursive: true, force: true });
    });

    afterEach(async () => {
      await peer.engine(['rm', '-fv', name]);
      await peer.engine(['rmi', `${made}:1`]);
      await peer.engine(['rmi', `${made}:2`]);
    });

    const start = (...command: string[]): Promise<string> =>
      peer.ok('run', '-d', '--name', name, peer.busybox, ...command);

    it('save and load an image, by file and by pipe', async () => {
      const file = path.join(scratch, 'image.tar');
      await peer.ok('tag', peer.busybox, `${made}:1`);
      await peer.ok('save', '-o', file, `${made}:1`);
      expect(fs.statSync(file).mode & 0o777).to.equal(0o600);
      await peer.ok('rmi', `${made}:1`);
      expect(await peer.ok('load', '-i', file)).to.equal(`Loaded image: ${made}:1`);
      await peer.ok('rmi', `${made}:1`);
      const loaded = await peer.engine(['load', '-q'], { input: fs.readFileSync(file) });
      expect(loaded).to.include({ status: 0, stdout: `Loaded image: ${made}:1\n` });
      fs.writeFileSync(file, 'no archive');
      expect((await peer.engine(['load', '-i', file])).status).to.equal(1);
    });

    it('leaves the file alone that a save fails to write', async () => {
      const file = path.join(scratch, 'kept.tar');
      fs.writeFileSync(file, 'kept');
      expect((await peer.engine(['save', '-o', file, 'no-such-image'])).status).to.equal(1);
      expect(fs.readFileSync(file, 'utf8')).to.equal('kept');
      expect(fs.readdirSync(scratch).filter((entry) => entry.startsWith('.engine-'))).to.be.empty;
    });

    it('export a container’s files', async () => {
      await start('sh', '-c', 'echo exported > /mark; sleep 1000');
      const file = path.join(scratch, 'export.tar');
      await waitFor(
        'the mark',
        async () => (await peer.engine(['exec', name, 'test', '-s', '/mark'])).status === 0,
      );
      await peer.ok('export', '-o', file, name);
      expect(fs.readFileSync(file, 'latin1')).to.contain('exported\n');
      expect((await peer.engine(['export', 'no-such-container'])).status).to.equal(1);
    });

    it('import a file system as an image', async () => {
      await peer.ok('create', '--name', name, peer.busybox);
      const file = path.join(scratch, 'tree.tar');
      await peer.ok('export', '-o', file, name);
      const args = ['import', '-c', 'CMD ["echo", "imported"]', '-m', 'a message'];
      expect(await peer.ok(...args, file, `${made}:1`)).to.match(/^sha256:[0-9a-f]{64}$/);
      expect(await peer.ok('run', '--rm', `${made}:1`)).to.equal('imported');
      const piped = await peer.engine([...args, '-', `${made}:2`], {
        input: fs.readFileSync(file),
      });
      expect(piped).to.include({ status: 0, stderr: '' });
      expect(await peer.ok('history', '--format', '{{.Comment}}', `${made}:2`)).to.equal(
        'a message',
      );
      const missing = await peer.engine(['import', path.join(scratch, 'no-file')]);
      expect(missing).to.include({ status: 1 });
      expect(missing.stderr).to.contain('no such file or directory');
    });

    it('commit a container with changes, and tell the history', async () => {
      await start('sh', '-c', 'echo committed > /mark; sleep 1000');
      await waitFor(
        'the mark',
        async () => (await peer.engine(['exec', name, 'test', '-s', '/mark'])).status === 0,
      );
      const id = await peer.ok(
        ...['commit', '-a', 'somebody', '-m', 'a message', '-c', 'CMD ["cat", "/mark"]'],
        ...['-c', 'ENV A=1', name, `${made}:2`],
      );
      expect(id).to.match(/^sha256:[0-9a-f]{64}$/);
      expect(await peer.ok('run', '--rm', `${made}:2`)).to.equal('committed');
      expect(await peer.ok('history', '--format', '{{.Comment}}', `${made}:2`)).to.match(
        /^a message/,
      );
      expect(await peer.ok('image', 'inspect', '-f', '{{.Author}} {{.Config.Cmd}}', id)).to.equal(
        'somebody [cat /mark]',
      );
    });

    it('update limits and the restart policy', async () => {
      await start('sleep', '1000');
      expect(
        await peer.ok(
          'update',
          '-m',
          '64m',
          '--memory-swap',
          '64m',
          '--restart',
          'on-failure:3',
          name,
        ),
      ).to.equal(name);
      expect(
        await peer.ok(
          'inspect',
          '-f',
          '{{.HostConfig.Memory}} {{json .HostConfig.RestartPolicy}}',
          name,
        ),
      ).to.equal('67108864 {"Name":"on-failure","MaximumRetryCount":3}');
    });

    it('follow events with filters and formats', async () => {
      const since = (Date.now() / 1000).toFixed(3); // an earlier test may have used the name this second
      await start('sleep', '0.3');
      await peer.ok('wait', name);
      const until = String(Math.ceil(Date.now() / 1000) + 1);
      const lines = await peer.ok(
        ...['events', '--since', since, '--until', until, '--filter', `container=${name}`],
        ...['--filter', 'event=start', '--filter', 'event=die'],
      );
      expect(lines).to.match(
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\S+ container start [0-9a-f]{64} \(.*name=cli-commands.*\)\n.* container die /,
      );
      const json = await peer.ok(
        ...['events', '--since', since, '--until', until, '--format', 'json'],
        ...['--filter', `container=${name}`, '--filter', 'event=create'],
      );
      // The API's shape, digits included.
      expect(JSON.parse(json)).to.include({ Type: 'container', Action: 'create', scope: 'local' });
      expect(json).to.match(/"timeNano":\d{19}/);
      const template = await peer.ok(
        ...[
          'events',
          '--since',
          since,
          '--until',
          until,
          '--format',
          '{{.Action}} {{.Actor.Attributes.name}}',
        ],
        ...['--filter', `container=${name}`, '--filter', 'event=create'],
      );
      expect(template).to.equal(`create ${name}`);
    });

    it('show what containers use', async () => {
      await start('sh', '-c', 'while :; do :; done');
      const table = await peer.ok('stats', '--no-stream', name);
      expect(table).to.match(
        /^CONTAINER ID {3}NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\n/,
      );
      expect(table).to.match(
        /\n[0-9a-f]{12} {3}cli-commands +\d+\.\d\d% +[\d.]+[KMG]?i?B \/ [\d.]+[MGT]iB +\d/,
      );
      const cpu = await peer.ok('stats', '--no-stream', '--format', '{{.CPUPerc}}', name);
      expect(Number.parseFloat(cpu)).to.be.above(1);
      expect((await peer.engine(['stats', '--no-stream', 'no-such-container'])).status).to.equal(1);
    });

    it('keep a table of containers up to date while they come and go', async () => {
      let shown = '';
      const watching = peer.engine(['stats'], {
        timeoutMs: 8000,
        onStdout: (text) => (shown = text),
      });
      watching.catch(() => undefined); // it is ended by the limit
      await waitFor('the headings', () => Promise.resolve(shown.includes('CPU %')));
      await start('sleep', '1000');
      await waitFor('the container', () => Promise.resolve(shown.includes(name)));
      await peer.ok('rm', '-f', name);
      await waitFor('its end', () => {
        const last = shown.slice(shown.lastIndexOf('\x1b[H'));
        return Promise.resolve(last.includes('CPU %') && !last.includes(name));
      });
    });

    it('list what a container changed', async () => {
      await start('sh', '-c', 'echo x > /added; rm /bin/true; sleep 1000');
      await waitFor('the changes', async () => (await peer.ok('diff', name)).includes('/bin/true'));
      expect((await peer.ok('diff', name)).split('\n').sort()).to.deep.equal(
        ['A /added', 'C /bin', 'D /bin/true'].sort(),
      );
    });

    it('prune containers and images, after a question', async () => {
      await start('true');
      await peer.ok('wait', name);
      const filter = ['--filter', 'label=engine.test=busybox'];
      const asked = await peer.engine(['container', 'prune', ...filter], { input: 'n\n' });
      expect(asked.stdout).to.match(
        /^WARNING! This will remove all stopped containers\.\nAre you sure/,
      );
      const id = await peer.ok('inspect', '-f', '{{.Id}}', name);
      const pruned = await peer.engine(['container', 'prune', ...filter], { input: 'y\n' });
      expect(pruned.stdout).to.contain(`Deleted Containers:\n${id}\n\nTotal reclaimed space: `);
      expect((await peer.engine(['inspect', name])).status).to.equal(1);
    });

    it('prune the whole system', async () => {
      await start('true');
      await peer.ok('wait', name);
      const { status, stdout } = await peer.engine(
        ['system', 'prune', '--filter', 'label=engine.test=busybox'],
        { input: 'y\n' },
      );
      expect(status).to.equal(0);
      expect(stdout).to.contain('  - all stopped containers\n');
      expect(stdout).to.contain('  - label=engine.test=busybox\n');
      expect(stdout).to.contain('Deleted Containers:\n');
      expect((await peer.engine(['inspect', name])).status).to.equal(1);
    });

    it('write the id of a new container to a file', async () => {
      const file = path.join(scratch, 'cid');
      const id = await peer.ok('create', '--name', name, '--cidfile', file, peer.busybox);
      expect(fs.readFileSync(file, 'utf8')).to.equal(id);
      const again = await peer.engine(['create', '--cidfile', file, peer.busybox]);
      expect(again.status).to.equal(1);
      expect(again.stderr).to.contain('container ID file found');
      fs.rmSync(file);
      await peer.engine(['create', '--cidfile', file, '--pull', 'never', 'no-such-image']);
      expect(fs.existsSync(file)).to.equal(false);
    });

    it('take variables and labels from files, also where node has an option of that name', async () => {
      const [env, labels] = [path.join(scratch, 'env'), path.join(scratch, 'labels')];
      fs.writeFileSync(env, '# a comment\nFROM_FILE=yes\n\nNODE_OPTIONS=--frob\n');
      fs.writeFileSync(labels, 'tier=front\n');
      const { stdout } = await peer.engine([
        ...['run', '--rm', '--env-file', env, '--label-file', labels, peer.busybox, 'env'],
      ]);
      expect(stdout).to.match(/^FROM_FILE=yes$/m);
      expect(stdout).to.match(/^NODE_OPTIONS=--frob$/m);
      await peer.ok('create', '--name', name, '--label-file', labels, peer.busybox);
      expect(await peer.ok('inspect', '-f', '{{.Config.Labels.tier}}', name)).to.equal('front');
    });

    it('attach to one stream alone', async () => {
      const { stdout, stderr } = await peer.engine([
        ...['run', '--rm', '-a', 'stderr', peer.busybox, 'sh', '-c', 'echo out; echo err >&2'],
      ]);
      expect({ stdout, stderr }).to.deep.equal({ stdout: '', stderr: 'err\n' });
    });

    it('hand on a device', async () => {
      expect(
        await peer.ok(
          'run',
          '--rm',
          '--device',
          '/dev/null:/dev/mine:rw',
          peer.busybox,
          'stat',
          '-c',
          '%F',
          '/dev/mine',
        ),
      ).to.equal('character special file');
    });
  });
}
