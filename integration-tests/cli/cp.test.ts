/** docker's rules for `cp`: what arrives where, under which name, and what is refused. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { daemons, type Daemon } from './daemons.ts';

/** What is in the container below /t (a target) and /s (a source). */
const setUp = `mkdir -p /t/dir /s/d/x; echo f > /t/file; ln -s dir /t/dlink; ln -s nofile /t/dangling; ln -s file /t/flink
  echo q > /s/d/q; ln -s d /s/dl; echo 1 > /s/one; chown 5:6 /s/one; ln -s one /s/ol; touch /ready; sleep 1000`;

interface Case {
  args: readonly string[];
  /** What is there afterwards, by name: content of a file, `/` for a directory, `-> target` for a link. */
  makes?: Readonly<Record<string, string>>;
  fails?: RegExp;
}

/** From the host's folder with file, dir/{a,sub/deep}, link -> dir, flink -> file, broken; into /t. */
const into: readonly Case[] = [
  { args: ['file', '/t/new'], makes: { new: 'one\n' } },
  { args: ['file', '/t/dir'], makes: { 'dir/file': 'one\n' } },
  { args: ['file', '/t/none/'], fails: /^no such directory$/ },
  { args: ['file', '/t/none/x'], fails: /Could not find the file \/t\/none/ },
  { args: ['dir', '/t/newdir'], makes: { 'newdir/a': 'two\n', 'newdir/sub/deep': 'deep\n' } },
  { args: ['dir', '/t/dir'], makes: { 'dir/dir/a': 'two\n' } },
  { args: ['dir/.', '/t/content'], makes: { 'content/a': 'two\n', 'content/sub': '/' } },
  { args: ['dir/.', '/t/dir'], makes: { 'dir/a': 'two\n' } },
  { args: ['dir', '/t/file'], fails: /^cannot copy directory$/ },
  { args: ['file', '/t/dangling'], makes: { dangling: '-> nofile', nofile: 'one\n' } },
  { args: ['file', '/t/flink'], makes: { flink: '-> file', file: 'one\n' } },
  { args: ['link', '/t/l1'], makes: { l1: '-> dir' } },
  { args: ['link/', '/t/l2'], makes: { 'l2/a': 'two\n' } },
  { args: ['-L', 'link', '/t/l3'], makes: { 'l3/a': 'two\n' } },
  { args: ['-L', 'flink', '/t/'], makes: { flink: 'one\n' } },
  { args: ['broken', '/t/b'], makes: { b: '-> /nowhere' } },
  { args: ['-L', 'broken', '/t/b2'], fails: /no such file or directory/ },
  { args: ['missing', '/t/'], fails: /no such file or directory/ },
  { args: ['file/', '/t/x'], fails: /^not a directory$/ },
  { args: ['dir', '/t/dlink'], makes: { 'dir/dir/a': 'two\n', dlink: '-> dir' } },
  { args: ['file', ''], fails: /^no such directory$/ },
];

/** From /s into a folder of the host with dir/, dlink -> dir, dangling, file. */
const from: readonly Case[] = [
  { args: ['/s/d', 'n1'], makes: { 'n1/q': 'q\n', 'n1/x': '/' } },
  { args: ['/s/d', 'dir'], makes: { 'dir/d/q': 'q\n' } },
  { args: ['/s/d/.', 'n2'], makes: { 'n2/q': 'q\n', 'n2/x': '/' } },
  { args: ['/s/d/.', 'dir'], makes: { 'dir/q': 'q\n' } },
  { args: ['/s/one', 'n3'], makes: { n3: '1\n' } },
  { args: ['/s/one', 'dir/'], makes: { 'dir/one': '1\n' } },
  { args: ['/s/one', 'none/'], fails: /^no such directory$/ },
  {
    args: ['/s/one', 'none/x'],
    fails: /^invalid output path: directory ".*\/none" does not exist$/,
  },
  { args: ['/s/one', 'dangling'], makes: { dangling: '-> nofile', nofile: '1\n' } },
  { args: ['/s/dl', 'n4'], makes: { n4: '-> d' } },
  { args: ['/s/dl/.', 'n6'], makes: { 'n6/q': 'q\n' } },
  { args: ['-L', '/s/dl', 'n7'], makes: { 'n7/q': 'q\n' } },
  { args: ['-L', '/s/ol', './'], makes: { ol: '1\n' } },
  { args: ['/s/d', 'file'], fails: /^cannot copy directory$/ },
  { args: ['/missing', './'], fails: /Could not find the file \/missing in container/ },
  { args: ['/s/one', 'dlink'], makes: { 'dir/one': '1\n', dlink: '-> dir' } },
];

for (const daemon of daemons) {
  describe(`engine cp on ${daemon.name}`, () => {
    const name = 'cli-cp';
    let peer: Daemon;
    let scratch = '';
    let host = '';

    before(async function () {
      needRoot(this);
      peer = await daemon.start(this);
    });
    after(async () => peer.stop());

    beforeEach(async () => {
      scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'cp-'));
      host = path.join(scratch, 'host');
      await peer.ok('run', '-d', '--name', name, peer.busybox, 'sh', '-c', setUp);
      await waitFor(
        'its files',
        async () => (await peer.engine(['exec', name, 'test', '-e', '/ready'])).status === 0,
      );
    });
    afterEach(async () => {
      await peer.engine(['rm', '-f', name]);
      fs.rmSync(scratch, { recursive: true, force: true });
    });

    it('copies into a container as docker does', async () => {
      fs.mkdirSync(path.join(host, 'dir/sub'), { recursive: true });
      fs.writeFileSync(path.join(host, 'file'), 'one\n');
      fs.writeFileSync(path.join(host, 'dir/a'), 'two\n');
      fs.writeFileSync(path.join(host, 'dir/sub/deep'), 'deep\n');
      fs.symlinkSync('dir', path.join(host, 'link'));
      fs.symlinkSync('file', path.join(host, 'flink'));
      fs.symlinkSync('/nowhere', path.join(host, 'broken'));
      for (const { args, makes, fails } of into) {
        const options = args.slice(0, -2);
        const [source = '', target = ''] = args.slice(-2);
        const result = await peer.engine(['cp', ...options, source, `${name}:${target}`], {
          cwd: host,
        });
        if (fails) {
          expect(result.status, args.join(' ')).to.equal(1);
          expect(result.stderr.trim(), args.join(' ')).to.match(fails);
          continue;
        }
        expect(result, args.join(' ')).to.include({ status: 0, stderr: '' });
        for (const [file, expected] of Object.entries(makes ?? {})) {
          const script = `cd /t; if [ -L $0 ]; then echo "-> $(readlink $0)"; elif [ -d $0 ]; then echo /; else cat $0; fi`;
          const shown = await peer.ok('exec', name, 'sh', '-c', script, file);
          expect(shown, `${args.join(' ')}: ${file}`).to.equal(expected.trim());
        }
      }
    });

    it('copies out of a container as docker does', async () => {
      fs.mkdirSync(path.join(host, 'dir'), { recursive: true });
      fs.symlinkSync('dir', path.join(host, 'dlink'));
      fs.symlinkSync('nofile', path.join(host, 'dangling'));
      fs.writeFileSync(path.join(host, 'file'), 'kept\n');
      for (const { args, makes, fails } of from) {
        const options = args.slice(0, -2);
        const [source = '', target = ''] = args.slice(-2);
        const result = await peer.engine(['cp', ...options, `${name}:${source}`, target], {
          cwd: host,
        });
        if (fails) {
          expect(result.status, args.join(' ')).to.equal(1);
          expect(result.stderr.trim(), args.join(' ')).to.match(fails);
          continue;
        }
        expect(result, args.join(' ')).to.include({ status: 0, stderr: '' });
        for (const [file, expected] of Object.entries(makes ?? {})) {
          expect(shownOf(path.join(host, file)), `${args.join(' ')}: ${file}`).to.equal(expected);
        }
      }
      // Whoever copies owns the copy.
      expect(fs.statSync(path.join(host, 'n3')).uid).to.equal(process.getuid?.());
      expect(fs.readFileSync(path.join(host, 'file'), 'utf8')).to.equal('kept\n');
    });

    it('keeps modes, times, holes and hard links', async () => {
      fs.mkdirSync(path.join(host, 'tree'), { recursive: true });
      const file = path.join(host, 'tree/file');
      fs.writeFileSync(file, '#!/bin/sh\n', { mode: 0o751 });
      fs.utimesSync(file, 1_500_000_000, 1_500_000_000);
      fs.linkSync(file, path.join(host, 'tree/hard'));
      const holes = path.join(host, 'tree/holes');
      fs.writeFileSync(holes, 'start');
      fs.truncateSync(holes, 64 * 1024 * 1024);
      fs.appendFileSync(holes, 'end');
      await peer.ok('cp', path.join(host, 'tree'), `${name}:/renamed`);
      expect(await peer.ok('exec', name, 'stat', '-c', '%a %Y %h', '/renamed/file')).to.equal(
        '751 1500000000 2',
      );
      await peer.ok('cp', `${name}:/renamed/.`, path.join(host, 'back'));
      const back = path.join(host, 'back/holes');
      expect((await run('cmp', [holes, back])).status).to.equal(0);
      expect(fs.statSync(path.join(host, 'back/file')).ino).to.equal(
        fs.statSync(path.join(host, 'back/hard')).ino,
      );
    });

    it('takes an archive from stdin and gives one to stdout', async () => {
      fs.mkdirSync(host, { recursive: true });
      fs.writeFileSync(path.join(host, 'piped'), 'through a pipe\n');
      const archive = path.join(scratch, 'archive.tar');
      await run('tar', ['-cf', archive, '-C', host, 'piped']);
      const input = fs.readFileSync(archive);
      expect((await peer.engine(['cp', '-', `${name}:/t/dir`], { input })).status).to.equal(0);
      expect(await peer.ok('exec', name, 'cat', '/t/dir/piped')).to.equal('through a pipe');
      const refused = await peer.engine(['cp', '-', `${name}:/t/file`], { input });
      expect(refused).to.include({
        status: 1,
        stderr: `destination "${name}:/t/file" must be a directory\n`,
      });
      const { stdout } = await peer.engine(['cp', `${name}:/t/dir/piped`, '-']);
      expect((await run('tar', ['-xOf', '-', 'piped'], { input: stdout })).stdout).to.equal(
        'through a pipe\n',
      );
    });

    it('refuses what is no copy between here and a container', async () => {
      const failure = async (...args: string[]): Promise<string> => {
        const { status, stderr } = await peer.engine(['cp', ...args]);
        expect(status).to.equal(1);
        return stderr.trim();
      };
      expect(await failure('a:/x', 'b:/y')).to.equal('copying between containers is not supported');
      expect(await failure('/x', '/y')).to.equal('must specify at least one container source');
      expect(await failure('', 'b:/y')).to.equal('source can not be empty');
      expect(await failure('no-such:/x', scratch)).to.contain('No such container: no-such');
      expect(await failure('/etc/hostname', 'no-such:/x')).to.contain('No such container: no-such');
    });
  });
}

function shownOf(file: string): string {
  const status = fs.lstatSync(file);
  if (status.isSymbolicLink()) return `-> ${fs.readlinkSync(file)}`;
  return status.isDirectory() ? '/' : fs.readFileSync(file, 'utf8');
}
