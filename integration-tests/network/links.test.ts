/** Links on the default bridge, by the real docker CLI: the same expectations of a real dockerd and of ours. */
import { expect } from 'chai';
import { run, type CommandResult } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';

interface Daemon {
  readonly host: string;
  stop(): Promise<void>;
  /** Kills it and starts it again; containers live on. */
  restart?: () => Promise<void>;
}

const daemons: Readonly<Record<string, (registry: string) => Promise<Daemon>>> = {
  'a real dockerd': async (registry) => {
    const docker = await RealDocker.start({ ownNetns: true });
    // Its namespace does not reach the registry.
    const { host } = await Stack.start().then(async (stack) => {
      await run('docker', ['-H', stack.host, 'pull', '-q', `${registry}/busybox`]);
      const saved = `docker -H ${stack.host} save ${registry}/busybox | docker -H ${docker.host} load`;
      await run('sh', ['-c', saved]);
      await stack.stop();
      return docker;
    });
    return { host, stop: () => docker.stop() };
  },
  engined: async (registry) => {
    const stack = await Stack.start();
    await run('docker', ['-H', stack.host, 'pull', '-q', `${registry}/busybox`]);
    const restart = async (): Promise<void> => {
      await stack.endEngined('SIGKILL');
      await stack.startEngined();
    };
    return { host: stack.host, stop: () => stack.stop(), restart };
  },
};

for (const [name, start] of Object.entries(daemons)) {
  describe(`links on the default bridge of ${name}`, function () {
    this.timeout(180_000);
    let daemon: Daemon | undefined;
    let busybox: string;

    before(async function () {
      needRoot(this);
      needPeers(this, 'docker', 'dockerd');
      const registry = await devRegistry(this);
      busybox = `${registry}/busybox`;
      daemon = await start(registry);
    });

    afterEach(async () => {
      const ids = (await ok('ps', '-aq')).split('\n').filter(Boolean);
      if (ids.length > 0) await ok('rm', '-f', ...ids);
    });

    after(async () => {
      await daemon?.stop();
    });

    const docker = (...args: string[]): Promise<CommandResult> =>
      run('docker', ['-H', daemon?.host ?? '', ...args]);
    const ok = async (...args: string[]): Promise<string> => {
      const { stdout, stderr, status } = await docker(...args);
      expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
      return stdout.trim();
    };
    const fails = async (...args: string[]): Promise<string> => {
      const { stderr, status } = await docker(...args);
      expect(status, args.join(' ')).to.not.equal(0);
      return stderr;
    };
    const sleeping = (container: string, ...options: string[]): Promise<string> =>
      ok('run', '-d', '--name', container, ...options, busybox, 'sleep', '1000');
    const addressOf = (container: string): Promise<string> =>
      ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', container);

    it('tell the address in variables, by ports and ranges of them', async () => {
      const ports = ['5432', '80', '81', '82', '5300/udp', '9000/sctp'];
      await sleeping(
        'my-db',
        '-e',
        'MODE=fast',
        '-e',
        'HOME=/x',
        ...ports.flatMap((port) => ['--expose', port]),
      );
      const address = await addressOf('my-db');
      const output = await ok(
        'run',
        '--rm',
        '--name',
        'web',
        '--link',
        'my-db:the-db',
        busybox,
        'env',
      );
      const told = output.split('\n').filter((line) => line.startsWith('THE_DB'));
      const of = (port: number, protocol: string): string[] => {
        const prefix = `THE_DB_PORT_${port}_${protocol.toUpperCase()}`;
        return [
          `${prefix}=${protocol}://${address}:${port}`,
          `${prefix}_ADDR=${address}`,
          `${prefix}_PORT=${port}`,
          `${prefix}_PROTO=${protocol}`,
        ];
      };
      const range = 'THE_DB_PORT_80_TCP';
      expect(told).to.have.members([
        `THE_DB_PORT=tcp://${address}:80`,
        ...[80, 81, 82, 5432].flatMap((port) => of(port, 'tcp')),
        ...of(5300, 'udp'),
        ...of(9000, 'sctp'),
        ...[
          `${range}_START=tcp://${address}:80`,
          `${range}_PORT_START=80`,
          `${range}_END=tcp://${address}:82`,
          `${range}_PORT_END=82`,
        ],
        'THE_DB_NAME=/web/the-db',
        'THE_DB_ENV_MODE=fast',
      ]);
    });

    it('stand in /etc/hosts, and move with the container that they lead to', async () => {
      const id = await sleeping('db');
      await sleeping('web', '--link', 'db:database', '--link', 'db');
      const line = async (alias: string): Promise<string | undefined> =>
        (await ok('exec', 'web', 'cat', '/etc/hosts'))
          .split('\n')
          .find((text) => text.split('\t')[1]?.split(' ')[0] === alias);
      const before = await addressOf('db');
      expect(await line('database')).to.equal(`${before}\tdatabase ${id.slice(0, 12)} db`);
      expect(await line('db')).to.equal(`${before}\tdb ${id.slice(0, 12)}`);
      await ok('stop', '-t', '0', 'db');
      await sleeping('between');
      await ok('start', 'db');
      const after = await addressOf('db');
      expect(await line('database')).to.equal(`${after}\tdatabase ${id.slice(0, 12)} db`);
      expect(
        await ok('exec', 'web', 'sh', '-c', 'ping -c 1 -W 5 database >/dev/null && echo reached'),
      ).to.equal('reached');
      expect(await ok('exec', 'web', 'sh', '-c', 'echo $DATABASE_NAME')).to.equal('/web/database');
    });

    it('are shown by inspect and the list, follow new names, and can be taken away', async () => {
      await sleeping('db');
      await sleeping('web', '--link', 'db:database');
      const links = (container: string): Promise<string> =>
        ok('inspect', '-f', '{{json .HostConfig.Links}}', container);
      const names = (): Promise<string> =>
        ok('ps', '--no-trunc', '--format', '{{.Names}}', '--filter', 'name=db');
      expect(JSON.parse(await links('web'))).to.deep.equal(['/db:/web/database']);
      expect(await links('db')).to.equal('null');
      expect((await names()).split(',').sort()).to.deep.equal(['db', 'web/database']);
      expect(await ok('inspect', '-f', '{{.Name}}', '/web/database')).to.equal('/db');
      await ok('rename', 'db', 'store-db');
      expect(JSON.parse(await links('web'))).to.deep.equal(['/store-db:/web/database']);
      await daemon?.restart?.();
      expect(JSON.parse(await links('web'))).to.deep.equal(['/store-db:/web/database']);
      expect(await fails('rm', '--link', 'web')).to.include(
        'Conflict, cannot remove the default link name of the container',
      );
      await ok('rm', '--link', '/web/database');
      expect(await links('web')).to.equal('null');
    });

    it('refuse what cannot be reached', async () => {
      await ok('create', '--name', 'stopped', busybox, 'true');
      expect(await fails('create', '--link', 'nobody:x', busybox)).to.include(
        'could not get container for nobody',
      );
      expect(await fails('create', '--link', 'a:b:c', busybox)).to.include(
        'bad format for links: a:b:c',
      );
      expect(
        await fails('run', '--name', 'late', '--link', 'stopped:gone', busybox, 'true'),
      ).to.include('Cannot link to a non running container: /stopped AS /late/gone');
      await sleeping('of-host', '--network', 'host');
      const words =
        "conflicting options: host type networking can't be used with links. This would result in undefined behavior";
      expect(await fails('create', '--link', 'of-host', busybox)).to.include(words);
      expect(await fails('create', '--network', 'host', '--link', 'of-host', busybox)).to.include(
        words,
      );
      await sleeping('alone', '--network', 'none');
      expect(await fails('run', '--link', 'alone', busybox, 'true')).to.include(
        'Cannot link to /alone, as it does not belong to the default network',
      );
    });
  });
}

describe('links on a default bridge whose containers do not reach each other', () => {
  it('are refused by name', async function () {
    this.timeout(60_000);
    needRoot(this);
    needPeers(this, 'docker');
    const stack = await Stack.start({ arguments: ['--icc=false'] });
    try {
      await stack.docker('run', '-d', '--name', 'other', 'hello');
      const { stderr, status } = await stack.docker('create', '--link', 'other', 'hello');
      expect(stderr).to.include(
        'HostConfig.Links with --icc=false is not implemented by this engine',
      );
      expect(status).to.equal(1);
    } finally {
      await stack.stop();
    }
  });
});
