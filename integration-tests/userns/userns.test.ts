/** `--userns-remap`: the same expectations of a real dockerd, of our stack, and of engined over a real containerd. */
import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, type CommandResult } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { RemappedUsers, remappedUser } from '../interop/remapped-users.ts';

/** What RemappedUsers gives to the user. */
const firstId = 100_000;

interface Daemon {
  readonly host: string;
  readonly dataRoot: string;
  stop(): Promise<void>;
}

const remap = ['--userns-remap', remappedUser];

/** How each daemon is started in the mount namespace that `users` made. */
const daemons: Readonly<Record<string, (users: RemappedUsers) => Promise<Daemon>>> = {
  'a real dockerd': async ({ prefix }) => {
    const docker = await RealDocker.start({
      prefix,
      arguments: [...remap, '--bridge', 'none', '--iptables=false'],
    });
    return { host: docker.host, dataRoot: `${docker.root}/docker-root`, stop: () => docker.stop() };
  },
  engined: async ({ prefix }) => ofStack(await Stack.start({ prefix, arguments: remap })),
  'engined over a real containerd': async ({ prefix }) => {
    const docker = await RealDocker.start({ containerdOnly: true, prefix });
    const ours = ['--containerd', docker.containerdAddress, '--default-runtime', 'runc'];
    const stack = await Stack.start({ prefix, arguments: [...remap, ...ours] });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await docker.stop();
    };
    return { ...ofStack(stack), stop };
  },
};

function ofStack(stack: Stack): Daemon {
  fs.chmodSync(stack.root, 0o711); // what runc passes as the containers' root
  return { host: stack.host, dataRoot: `${stack.root}/data`, stop: () => stack.stop() };
}

for (const [name, start] of Object.entries(daemons)) {
  describe(`containers in a user namespace of ${name}`, function () {
    this.timeout(300_000);
    let users: RemappedUsers | undefined;
    let daemon: Daemon | undefined;
    let busybox: string;
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'userns-'));

    before(async function () {
      needRoot(this);
      needPeers(this, 'docker', 'dockerd', 'containerd', 'runc');
      busybox = `${await devRegistry(this)}/busybox`;
      users = await RemappedUsers.create();
      daemon = await start(users);
      await ok('pull', '-q', busybox);
      fs.chmodSync(folder, 0o755);
    });

    after(async () => {
      if (daemon) await run('docker', ['-H', daemon.host, 'rm', '-f', ...(await containers())]);
      await daemon?.stop();
      users?.remove();
      fs.rmSync(folder, { recursive: true });
    });

    const docker = (...args: string[]): Promise<CommandResult> =>
      run('docker', ['-H', daemon?.host ?? '', ...args]);
    const ok = async (...args: string[]): Promise<string> => {
      const { stdout, stderr, status } = await docker(...args);
      expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
      return stdout.trim();
    };
    const containers = async (): Promise<string[]> => (await ok('ps', '-aq')).split('\n');
    const shell = (options: readonly string[], command: string): Promise<string> =>
      ok('run', '--rm', '--network', 'none', ...options, busybox, 'sh', '-c', command);
    const started = (...options: string[]): Promise<string> =>
      ok('run', '-d', '--network', 'none', ...options, busybox, 'sleep', '1000');
    const ownerOf = (file: string): string => {
      const { uid, gid } = fs.statSync(file);
      return `${uid}:${gid}`;
    };

    it('says so in info, and keeps what it has in a folder of its own', async () => {
      expect(await ok('info', '--format', '{{.SecurityOptions}}')).to.include('name=userns');
      expect(await ok('info', '--format', '{{.DockerRootDir}}')).to.equal(
        path.join(daemon?.dataRoot ?? '', `${firstId}.${firstId}`),
      );
    });

    it('maps the ids of processes, and gives the files of the image to their root', async () => {
      const script =
        'cat /proc/self/uid_map /proc/self/gid_map; stat -c "%u:%g %n" / /bin /etc/passwd';
      const lines = (await shell([], script)).split('\n').map((line) => line.trim());
      const map = new RegExp(`^0 +${firstId} +65536$`);
      expect(lines.slice(0, 2).every((line) => map.test(line))).to.equal(true);
      expect(lines.slice(2)).to.deep.equal(['0:0 /', '0:0 /bin', '0:0 /etc/passwd']);
    });

    it('gives its own files in /etc and /dev/shm to the root of the container', async () => {
      const script = 'stat -c %u:%g /etc/hosts /etc/hostname /etc/resolv.conf /dev/shm';
      expect(await shell([], script)).to.equal('0:0\n0:0\n0:0\n0:0');
      expect(await shell(['--ipc', 'shareable'], script)).to.equal('0:0\n0:0\n0:0\n0:0');
    });

    it('lets the container write everywhere, and its users to their streams', async () => {
      const script =
        'echo a >/bin/new && rm /bin/wget && mkdir /new && chown 33:44 /new && stat -c %u:%g /new';
      expect(await shell([], script)).to.equal('33:44');
      expect(
        await shell(['-u', '1000:1000'], 'id -u; echo err >/dev/stderr; echo out >/dev/stdout'),
      ).to.equal('1000\nout');
    });

    it('runs execs and takes names for users', async () => {
      const id = await started();
      expect(await ok('exec', '-u', 'www-data', id, 'id', '-u')).to.equal('33');
      expect(await ok('exec', id, 'sh', '-c', 'id -u; cat /proc/self/uid_map')).to.match(
        new RegExp(`^0\\n +0 +${firstId} `),
      );
    });

    it('gives volumes to the root of the container, with what the image has in them', async () => {
      await ok('volume', 'create', 'data');
      const source = await ok('volume', 'inspect', '--format', '{{.Mountpoint}}', 'data');
      expect(ownerOf(source)).to.equal(`${firstId}:${firstId}`);
      expect(
        await shell(['-v', 'data:/var/spool'], 'touch /var/spool/new; stat -c %u:%g /var/spool'),
      ).to.equal('0:0');
      expect(ownerOf(`${source}/new`)).to.equal(`${firstId}:${firstId}`);
      await shell(['-v', 'filled:/etc'], 'true');
      const filled = await ok('volume', 'inspect', '--format', '{{.Mountpoint}}', 'filled');
      expect(ownerOf(`${filled}/passwd`)).to.equal(`${firstId}:${firstId}`);
    });

    it('leaves bind mounts as they are, and gives folders that it makes to the root of the container', async () => {
      fs.writeFileSync(`${folder}/of-root`, '');
      expect(
        await shell(
          ['-v', `${folder}:/bound`],
          'stat -c %u /bound/of-root; touch /bound/x 2>&1 || echo refused',
        ),
      ).to.match(/^65534\n.*\nrefused$/);
      expect(await shell(['-v', `${folder}/made/below:/bound`], 'stat -c %u /bound')).to.equal('0');
      expect(ownerOf(`${folder}/made/below`)).to.equal(`${firstId}:${firstId}`);
    });

    it('copies in and out with the owners that the container knows', async () => {
      const id = await started();
      const file = `${folder}/copied`;
      fs.writeFileSync(file, 'content');
      fs.chownSync(file, 7, 8);
      await ok('cp', file, `${id}:/tmp/plain`);
      await ok('exec', id, 'chown', '5:6', '/tmp/plain');
      await ok('cp', `${id}:/tmp/plain`, `${folder}/back`);
      expect(fs.readFileSync(`${folder}/back`, 'utf8')).to.equal('content');
      await ok('cp', file, `${id}:/tmp/other`);
      expect(await ok('exec', id, 'stat', '-c', '%u:%g', '/tmp/other')).to.equal('7:8');
      await ok('stop', '-t', '0', id);
      await ok('cp', file, `${id}:/tmp/stopped`);
      await ok('start', id);
      expect(await ok('exec', id, 'stat', '-c', '%u:%g', '/tmp/stopped')).to.equal('7:8');
    });

    it('exports and commits with the owners that the container knows', async () => {
      const id = await ok(
        'run',
        '-d',
        '--network',
        'none',
        busybox,
        'sh',
        '-c',
        'mkdir /made; echo x >/made/file; chown 5:6 /made/file; chown 9 /home; sleep 1000',
      );
      await ok('exec', id, 'sh', '-c', 'until [ $(stat -c %u /home) = 9 ]; do sleep 0.05; done');
      const archive = `${folder}/root.tar`;
      await ok('export', '-o', archive, id);
      const { stdout } = await run('tar', ['-tvnf', archive, 'made', 'etc/passwd', 'home']);
      const owners = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) =>
          line
            .split(/\s+/)
            .slice(1, 2)
            .concat(line.split(' ').at(-1) ?? ''),
        );
      expect(owners).to.have.deep.members([
        ['0/0', 'made/'],
        ['5/6', 'made/file'],
        ['0/0', 'etc/passwd'],
        ['9/0', 'home/'],
      ]);
      const changes = (await ok('diff', id)).split('\n').sort();
      expect(changes).to.deep.equal(['A /made', 'A /made/file', 'C /home']);
      await ok('commit', id, 'committed');
      const script = 'stat -c %u:%g /made /made/file /home /etc/passwd';
      const committed = (command: string, ...options: string[]) =>
        ok('run', '--rm', '--network', 'none', ...options, 'committed', 'sh', '-c', command);
      expect(await committed(script)).to.equal('0:0\n5:6\n9:0\n0:0');
      await ok('save', '-o', `${folder}/saved.tar`, 'committed');
      const saved = fs.statSync(`${folder}/saved.tar`).size;
      await ok('save', '-o', `${folder}/base.tar`, busybox);
      // The layer holds what has changed, not all that there is.
      expect(saved - fs.statSync(`${folder}/base.tar`).size).to.be.lessThan(200_000);
    });

    it('shares networks, IPC and processes between containers', async () => {
      const id = await started('--ipc', 'shareable');
      expect(
        await ok(
          'run',
          '--rm',
          '--network',
          `container:${id}`,
          busybox,
          'sh',
          '-c',
          'ls /sys/class/net',
        ),
      ).to.equal('lo');
      expect(await shell(['--pid', `container:${id}`], 'cat /proc/1/comm')).to.equal('sleep');
      await ok('exec', id, 'sh', '-c', 'echo shared >/dev/shm/file');
      expect(await shell(['--ipc', `container:${id}`], 'cat /dev/shm/file')).to.equal('shared');
    });

    it('gives devices, and no more of the host', async () => {
      expect(await shell(['--device', '/dev/fuse'], 'stat -c %F:%u /dev/fuse')).to.equal(
        'character special file:65534',
      );
      expect(await shell([], 'mknod /tmp/n c 1 3 2>&1 || true')).to.match(/not permitted/);
      expect(
        await shell(
          [
            '--cap-add',
            'SYS_ADMIN',
            '--security-opt',
            'seccomp=unconfined',
            '--security-opt',
            'apparmor=unconfined',
          ],
          'hostname changed && hostname',
        ),
      ).to.equal('changed');
    });

    const refused: readonly [string, readonly string[], string][] = [
      [
        '--privileged',
        ['--privileged'],
        'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode',
      ],
      [
        '--network host',
        ['--network', 'host'],
        "cannot share the host's network namespace when user namespaces are enabled",
      ],
      [
        '--pid host',
        ['--pid', 'host'],
        'cannot share the host PID namespace when user namespaces are enabled',
      ],
    ];
    for (const [option, options, words] of refused) {
      it(`refuses ${option}, but not with --userns host`, async () => {
        const { stderr, status } = await docker('run', '--rm', ...options, busybox, 'true');
        expect(stderr).to.include(words);
        expect(status).to.equal(125);
        // runc 1.1 asks for capabilities that not every machine has.
        if (option === '--privileged' && name === 'a real dockerd') return;
        const map = await ok(
          'run',
          '--rm',
          '--userns',
          'host',
          ...options,
          busybox,
          'cat',
          '/proc/self/uid_map',
        );
        expect(map).to.match(/^0 +0 +4294967295$/);
      });
    }
  });
}

describe('networks of containers in a user namespace', function () {
  this.timeout(120_000);
  let users: RemappedUsers | undefined;
  let stack: Stack | undefined;
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    busybox = `${await devRegistry(this)}/busybox`;
    users = await RemappedUsers.create();
    stack = await Stack.start({ prefix: users.prefix, arguments: remap });
    await ok('pull', '-q', busybox);
  });

  after(async () => {
    await stack?.stop();
    users?.remove();
  });

  const ok = async (...args: string[]): Promise<string> => {
    if (!stack) throw new Error('no stack');
    const { stdout, stderr, status } = await stack.docker(...args);
    expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout.trim();
  };

  it('belong to the root of the namespace, who may configure them when it is let', async () => {
    const script =
      'ip link set eth0 mtu 1400 && cat /sys/class/net/eth0/mtu; cat /proc/sys/net/ipv4/ip_unprivileged_port_start';
    expect(await ok('run', '--rm', '--cap-add', 'NET_ADMIN', busybox, 'sh', '-c', script)).to.equal(
      '1400\n0',
    );
    expect(
      await ok(
        'run',
        '--rm',
        '--sysctl',
        'net.ipv4.ip_forward=0',
        busybox,
        'cat',
        '/proc/sys/net/ipv4/ip_forward',
      ),
    ).to.equal('0');
  });

  it('have names, and published ports', async () => {
    await ok('network', 'create', 'front');
    await ok(
      'run',
      '-d',
      '--name',
      'server',
      '--network',
      'front',
      '-p',
      '127.0.0.1:0:80',
      busybox,
      'sh',
      '-c',
      'echo hello >/tmp/index.html; httpd -f -p 80 -h /tmp',
    );
    const answer = await ok(
      'run',
      '--rm',
      '--network',
      'front',
      busybox,
      'sh',
      '-c',
      'until wget -qO- http://server/; do sleep 0.1; done',
    );
    expect(answer).to.equal('hello');
    const port = await ok('port', 'server', '80');
    expect(await (await fetch(`http://${port}/`)).text()).to.equal('hello\n');
    await ok('rm', '-f', 'server');
    await ok('network', 'rm', 'front');
  });

  it('are found again, with the namespace, by an engine that comes after one that was killed', async () => {
    const id = await ok('run', '-d', busybox, 'sleep', '1000');
    const namespace = await ok('exec', id, 'readlink', '/proc/self/ns/user');
    await stack?.endEngined('SIGKILL');
    await stack?.startEngined();
    expect(await ok('exec', id, 'readlink', '/proc/self/ns/user')).to.equal(namespace);
    const joined = ['--network', `container:${id}`, '--pid', `container:${id}`];
    const script = 'readlink /proc/self/ns/user; ls /sys/class/net; stat -c %u /bin';
    expect(await ok('run', '--rm', ...joined, busybox, 'sh', '-c', script)).to.equal(
      `${namespace}\neth0\nlo\n0`,
    );
    await ok('rm', '-f', id);
  });

  it('leave nothing when the engine stops', async () => {
    await stack?.endEngined('SIGTERM');
    const inside = users?.prefix ?? [];
    const [file = '', ...prefix] = inside;
    const { stdout } = await run(file, [...prefix, 'cat', '/proc/self/mounts']);
    expect(stdout).to.not.include(`${stack?.root}/`);
    expect(fs.existsSync(`${stack?.root}/run/userns`)).to.equal(false);
    await stack?.startEngined();
  });
});
