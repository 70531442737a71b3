/** Files of containers by docker's command line: copied in and out, exported, compared, and never outside. */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checked, run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

describe('files of containers', () => {
  let stack: Stack;
  let busybox: string;
  let folder: string;
  const box = 'files-box';

  const docker = (...args: string[]) => run('docker', ['-H', stack.host, ...args]);
  const { ok } = checked(docker);
  const inBox = (script: string): Promise<string> => ok('exec', box, 'sh', '-c', script);
  const start = (...options: string[]): Promise<string> =>
    ok('run', '-d', '--name', box, ...options, busybox, 'sleep', '300');
  const file = (name: string): string => path.join(folder, name);

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker', 'tar');
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    await ok('pull', '-q', busybox);
  });

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'files-'));
    fs.writeFileSync(file('hello'), 'hello\n', { mode: 0o640 });
  });

  afterEach(async () => {
    await docker('rm', '-f', '-v', box);
    fs.rmSync(folder, { recursive: true });
  });

  for (const state of ['running', 'stopped'] as const) {
    it(`are copied in and out of a ${state} container`, async () => {
      await start('-v', '/volume');
      await inBox('mkdir -p /dir/sub && echo deep > /dir/sub/file && ln -s /dir/sub /link');
      if (state === 'stopped') await ok('stop', '-t', '0', box);
      await ok('cp', file('hello'), `${box}:/tmp/copied`);
      await ok('cp', file('hello'), `${box}:/link`); // into the directory that it leads to
      await ok('cp', file('hello'), `${box}:/volume/`);
      await ok('cp', `${box}:/dir`, file('out'));
      expect(fs.readFileSync(file('out/sub/file'), 'utf8')).to.equal('deep\n');
      expect(fs.readFileSync(file('out/sub/hello'), 'utf8')).to.equal('hello\n');
      await ok('cp', `${box}:/dir/sub/.`, file('content'));
      expect(fs.readdirSync(file('content')).sort()).to.deep.equal(['file', 'hello']);
      if (state === 'stopped') await ok('start', box);
      expect(await inBox('cat /tmp/copied /dir/sub/hello /volume/hello')).to.equal(
        'hello\nhello\nhello',
      );
      expect(await inBox('stat -c %a /tmp/copied')).to.equal('640');
    });
  }

  it('never lie outside, whatever links say', async () => {
    await start();
    const name = `escaped-${process.pid}`;
    await inBox(`ln -s ${folder} /out; ln -s ../../../../../../../..${folder} /up`);
    fs.writeFileSync(file('secret'), 'of the host\n');
    for (const link of ['/out', '/up']) {
      const inside = await docker('cp', file('hello'), `${box}:${link}/${name}`);
      expect(inside.status, inside.stdout).to.equal(1);
      expect(fs.existsSync(file(name))).to.equal(false);
      const outside = await docker('cp', `${box}:${link}/secret`, '-');
      expect([outside.status, outside.stderr.includes('Could not find the file')]).to.deep.equal([
        1,
        true,
      ]);
    }
  });

  it('are refused where they cannot be, and nothing changes', async () => {
    await start('--read-only', '--tmpfs', '/scratch');
    expect((await docker('cp', file('hello'), `${box}:/new`)).stderr).to.contain('read-only');
    expect((await docker('cp', `${box}:/nosuch`, '-')).stderr).to.contain(
      'Could not find the file /nosuch in container',
    );
    expect((await docker('cp', file('hello'), `${box}:/etc/passwd/x`)).status).to.equal(1);
  });

  it('keep owner, mode, time and links in an archive', async () => {
    await start();
    await inBox(
      'mkdir /a; echo x > /a/f; ln /a/f /a/g; chown 7:8 /a/f; chmod 4711 /a/f; touch -d "2001-02-03 04:05:06" /a/f',
    );
    const { stdout } = await run('sh', [
      ...['-c', `docker -H ${stack.host} cp ${box}:/a - | TZ=UTC tar tv --numeric-owner`],
    ]);
    expect(stdout).to.match(/-rws--x--x 7\/8 +2 2001-02-03 04:05 a\/f\n/);
    expect(stdout).to.contain('a/g link to a/f');
  });

  it('come in compressed, and not at all where that is damaged', async () => {
    await start();
    const put = async (archive: string) => {
      const socket = stack.host.replace('unix://', '');
      const url = `http://engine/containers/${box}/archive?path=/tmp`;
      const { stdout } = await run('curl', [
        ...['-s', '--unix-socket', socket, '-T', archive, '-w', '%{http_code}', url],
      ]);
      return stdout;
    };
    for (const [flag, name] of [
      ['', 'plain'],
      ['-z', 'gzip'],
      ['-J', 'xz'],
      ['-j', 'bzip2'],
    ] as const) {
      fs.writeFileSync(file(`by-${name}`), randomBytes(100_000));
      const words = [...(flag ? [flag] : []), '-cf', file(name), '-C', folder, `by-${name}`];
      expect((await run('tar', words)).stderr).to.equal('');
      expect(await put(file(name)), name).to.equal('200');
      expect(await inBox(`wc -c < /tmp/by-${name}`)).to.equal('100000');
      if (name === 'plain') continue;
      fs.truncateSync(file(name), 50_000);
      expect(await put(file(name)), name).to.match(new RegExp(`damaged ${name} data.*400$`, 's'));
    }
  });

  it('are compared with the image', async () => {
    await start('-v', '/volume');
    await inBox('echo n > /new; mkdir /dir; echo x > /dir/f; rm /bin/vi; echo y >> /etc/passwd');
    const lines = (await ok('diff', box)).split('\n').sort();
    expect(lines).to.deep.equal(
      ['A /dir', 'A /dir/f', 'A /new', 'C /bin', 'C /etc', 'C /etc/passwd', 'D /bin/vi'].sort(),
    );
  });

  it('are exported without what is mounted', async () => {
    await start('-v', '/volume');
    await inBox('echo kept > /kept; echo left > /volume/left');
    const { stdout } = await run('sh', ['-c', `docker -H ${stack.host} export ${box} | tar t`]);
    const names = stdout.split('\n');
    expect(names).to.include.members(['kept', 'bin/', 'volume/']);
    expect(names).to.not.include('volume/left');
    expect(names.some((name) => name.startsWith('proc/') && name !== 'proc/')).to.equal(false);
  });

  it('fill a new volume from the image, unless told otherwise', async () => {
    const listed = await ok('run', '--rm', '-v', '/etc', busybox, 'cat', '/etc/passwd');
    expect(listed).to.contain('root');
    await ok('volume', 'create', 'empty-etc');
    try {
      const names = await ok('run', '--rm', '-v', 'empty-etc:/etc:nocopy', busybox, 'ls', '/etc');
      expect(names).to.not.contain('passwd');
      await ok('run', '--rm', '-v', 'empty-etc:/etc', busybox, 'touch', '/etc/mine');
      const kept = await ok('run', '--rm', '-v', 'empty-etc:/bin', busybox, '/bin/true').catch(
        () => 'not filled again',
      );
      expect(kept).to.equal('not filled again');
    } finally {
      await ok('volume', 'rm', 'empty-etc');
    }
  });
});
