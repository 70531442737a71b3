/** What `run` must do, by our command line and by docker's. */
import { expect } from 'chai';
import { clients } from '../harness/clients.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { runInTerminal } from '../harness/terminal.ts';

for (const client of clients) {
  describe(`${client.name} run`, () => {
    let stack: Stack;
    let busybox: string;
    let debian: string;

    before(async function () {
      needRoot(this);
      client.need(this);
      const registry = await devRegistry(this);
      stack = await sharedStack();
      busybox = `${registry}/busybox`;
      debian = `${registry}/debian`;
      for (const image of [busybox, debian]) {
        expect((await client.run(stack, ['pull', image], { timeoutMs: 300_000 })).status).to.equal(
          0,
        );
      }
    });

    const run = (...args: string[]) => client.run(stack, ['run', '--rm', ...args]);

    it('prints what the command prints', async () => {
      const { stdout, stderr, status } = await run(busybox, 'echo', 'hi');
      expect({ stdout, stderr, status }).to.deep.equal({ stdout: 'hi\n', stderr: '', status: 0 });
    });

    it('keeps stdout and stderr apart', async () => {
      const { stdout, stderr } = await run(busybox, 'sh', '-c', 'echo out; echo err >&2');
      expect({ stdout, stderr }).to.deep.equal({ stdout: 'out\n', stderr: 'err\n' });
    });

    it('ends with the exit code of the command', async () => {
      expect((await run(busybox, 'sh', '-c', 'exit 7')).status).to.equal(7);
      // A process 1 cannot kill itself: its child can.
      const script = 'sh -c "kill -9 \\$\\$"; exit $?';
      expect((await run(busybox, 'sh', '-c', script)).status).to.equal(137);
    });

    it('hands on stdin and its end', async () => {
      const { stdout, status } = await client.run(stack, ['run', '-i', '--rm', busybox, 'cat'], {
        input: 'abc\n',
      });
      expect({ stdout, status }).to.deep.equal({ stdout: 'abc\n', status: 0 });
    });

    it('moves a megabyte through stdin and stdout unchanged', async () => {
      const input = Buffer.alloc(1_000_003, 'the quick brown fox\n');
      const { stdout } = await client.run(stack, ['run', '-i', '--rm', busybox, 'md5sum'], {
        input,
      });
      const expected = await import('node:crypto').then(({ createHash }) =>
        createHash('md5').update(input).digest('hex'),
      );
      expect(stdout).to.contain(expected);
      const echoed = await client.run(stack, ['run', '-i', '--rm', busybox, 'cat'], { input });
      expect(echoed.stdout).to.equal(input.toString());
    });

    it('gives a terminal of the right size', async () => {
      const line = client.commandLine(stack, [
        'run',
        '-it',
        '--rm',
        busybox,
        'sh',
        '-c',
        'tty; sleep 0.3; stty size; exit 5',
      ]);
      const { stdout, status } = await runInTerminal(line, { rows: 22, columns: 77 });
      expect(stdout).to.contain('/dev/pts/0').and.to.contain('22 77');
      expect(status).to.equal(5);
    });

    it('shows the command as process 1, under its own host name, address and mounts', async () => {
      const script = 'echo pid $$; hostname; ip -4 addr show eth0; cat /proc/mounts; ps';
      const { stdout } = await run('--name', `own-${client.name}`, busybox, 'sh', '-c', script);
      expect(stdout).to.match(/^pid 1\n[0-9a-f]{12}\n/);
      expect(stdout).to.match(/inet \d+\.\d+\.\d+\.\d+\/\d+/);
      expect(stdout).to.match(/^overlay \/ overlay/m);
      expect(stdout).to.match(/^proc \/proc proc/m);
      expect(stdout).not.to.contain('/sys/kernel/debug');
      expect(stdout.match(/^ +\d+ /gm)).to.have.lengthOf.at.most(4); // sh, ps, and nobody of the host
    });

    it('reaches its gateway over the default bridge', async () => {
      const script = `ping -c 1 -W 2 $(ip route | awk '/default/ {print $3}')`;
      const { stdout, status } = await run(busybox, 'sh', '-c', script);
      expect(stdout).to.contain('1 packets received');
      expect(status).to.equal(0);
    });

    it("has only a loopback interface with --network none, and the host's with host", async () => {
      expect(
        (await run('--network', 'none', busybox, 'ls', '/sys/class/net')).stdout.trim(),
      ).to.equal('lo');
      expect((await run('--network', 'host', busybox, 'ip', 'link')).stdout).to.contain(
        stack.bridge,
      );
    });

    it('writes hosts, hostname and resolv.conf', async () => {
      const script = 'cat /etc/hostname; cat /etc/hosts; cat /etc/resolv.conf';
      const { stdout } = await run('--hostname', 'box', busybox, 'sh', '-c', script);
      expect(stdout).to.match(/^box\n/);
      expect(stdout).to.match(/^\d+\.\d+\.\d+\.\d+\tbox$/m);
      expect(stdout).to.match(/^nameserver /m);
    });

    it('takes environment, user and working directory', async () => {
      const { stdout } = await run(
        '-e',
        'A=b c',
        '-u',
        '1000:1001',
        '-w',
        '/tmp',
        busybox,
        'sh',
        '-c',
        'echo "$A"; id -u; id -g; pwd',
      );
      expect(stdout).to.equal('b c\n1000\n1001\n/tmp\n');
    });

    it('binds a folder of the host, read-only when asked', async () => {
      const script = 'cat /mnt/os-release | head -c 4; touch /mnt/x 2>&1';
      const { stdout, status } = await run('-v', '/etc:/mnt:ro', busybox, 'sh', '-c', script);
      expect(stdout).to.contain('Read-only file system');
      expect(status).to.equal(1);
    });

    it('can be read-only as a whole', async () => {
      const { stdout, status } = await run('--read-only', busybox, 'sh', '-c', 'touch /x 2>&1');
      expect(stdout).to.contain('Read-only file system');
      expect(status).to.equal(1);
    });

    it('replaces the entry point', async () => {
      expect((await run('--entrypoint', 'echo', busybox, 'a', 'b')).stdout).to.equal('a b\n');
    });

    it('is killed by the kernel above its memory limit: 137 and OOMKilled', async () => {
      const name = `oom-${client.name}`;
      const { status } = await client.run(stack, [
        'run',
        '--name',
        name,
        '-m',
        '32m',
        busybox,
        'tail',
        '/dev/zero',
      ]);
      expect(status).to.equal(137);
      const { stdout } = await client.run(stack, [
        'inspect',
        '-f',
        '{{.State.OOMKilled}} {{.State.ExitCode}}',
        name,
      ]);
      expect(stdout).to.equal('true 137\n');
      expect((await client.run(stack, ['rm', name])).status).to.equal(0);
    });

    it('cannot start more processes than --pids-limit', async () => {
      const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done; wait';
      const { stderr } = await run('--pids-limit', '5', busybox, 'sh', '-c', script);
      expect(stderr).to.match(/can't fork|Resource temporarily unavailable/);
    });

    it('gets no more processor time than --cpus', async () => {
      const script =
        'timeout 2 sh -c "while :; do :; done"; cat /proc/1/schedstat >/dev/null; times';
      const { stdout } = await run('--cpus', '0.2', busybox, 'sh', '-c', script);
      // `times` prints user and system time of the children: below 2 s * 0.2, with room for the kernel's slices.
      const childSeconds = Number(/^\S+ \S+\n0m([\d.]+)s/m.exec(stdout)?.[1]);
      expect(childSeconds).to.be.within(0.05, 0.8);
    });

    it('runs bash and apt of the debian image', async () => {
      const { stdout, status } = await run(debian, 'bash', '-c', 'apt-get --version');
      expect(stdout).to.match(/^apt \d/);
      expect(status).to.equal(0);
    });

    it('lets no capability through that docker drops', async () => {
      const { stdout } = await run(
        busybox,
        'sh',
        '-c',
        'grep -E "CapEff|NoNewPrivs|^Seccomp:" /proc/1/status; mount -t tmpfs x /tmp 2>&1',
      );
      expect(stdout)
        .to.contain('CapEff:\t00000000a80425fb')
        .and.to.match(/Seccomp:\t2/);
      expect(stdout).to.match(/permission denied|Operation not permitted/i);
    });
  });
}
