/** What callers hand to the runtime besides a bundle: descriptors, sockets, cgroups, labels. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { DatagramSocket, sendDatagram } from '#lib/sys/datagram-socket';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';
import { waitFor } from '../harness/wait.ts';
import { cgroupsOf, describeContainers } from './fixture.ts';

describeContainers('callers', (fixture) => {
  /** Descriptors from 3 on, each a file with its own number in it. */
  function withFiles<T>(count: number, use: (fds: number[]) => T): T {
    const fds = Array.from({ length: count }, (_, index) => {
      const file = path.join(fixture().bundle.directory, `descriptor-${index + 3}`);
      fs.writeFileSync(file, `${index + 3}\n`);
      return fs.openSync(file, 'r');
    });
    try {
      return use(fds);
    } finally {
      for (const fd of fds) fs.closeSync(fd);
    }
  }

  function runWith(fds: number[], args: string[], shell = '') {
    const { bundle } = fixture();
    const command = `${shell} exec ${executablePath('runtime')} --root ${bundle.root} ${args.join(' ')}`;
    const { status, stdout, stderr } = spawnSync('/bin/bash', ['-c', command], {
      cwd: bundle.directory,
      stdio: ['ignore', 'pipe', 'pipe', ...fds],
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  describe('--preserve-fds 64 hands on 64 descriptors, each under its number', () => {
    const script =
      'for n in $(ls /proc/$$/fd); do [ $n -lt 3 ] || cat /proc/$$/fd/$n 2> /dev/null; done';
    const expectAll = (printed: string) => {
      const numbers = printed.trim().split('\n').map(Number);
      expect(numbers.sort((a, b) => a - b)).to.deep.equal(
        Array.from({ length: 64 }, (_, index) => index + 3),
      );
    };

    it('by run', () => {
      const { bundle, id } = fixture();
      bundle.configure(['sh', '-c', script]);
      const args = ['run', '--preserve-fds', '64', id];
      const { stdout, stderr } = withFiles(64, (fds) => runWith(fds, args));
      expect(stderr).to.equal('');
      expectAll(stdout);
    });

    it('by create, to the process that start lets go', async () => {
      const { bundle, id, rootfs } = fixture();
      const output = path.join(rootfs, 'output');
      bundle.configure(['sh', '-c', `{ ${script}; } > /printed; mv /printed /output`], (config) => {
        config.root.readonly = false;
      });
      const args = ['create', '--preserve-fds', '64', id, '> /dev/null 2>&1'];
      expect(withFiles(64, (fds) => runWith(fds, args)).status).to.equal(0);
      bundle.run(['start', id]);
      await waitFor('the output', () => fs.existsSync(output));
      expectAll(fs.readFileSync(output, 'utf8'));
    });

    it('by exec', () => {
      const { bundle, id } = fixture();
      fixture().create(['sleep', '60']);
      bundle.run(['start', id]);
      const args = ['exec', '--preserve-fds', '64', id, 'sh', '-c', `'${script}'`];
      const { stdout, stderr } = withFiles(64, (fds) => runWith(fds, args));
      expect(stderr).to.equal('');
      expectAll(stdout);
    });
  });

  it('--preserve-fds names a descriptor that is not there instead of handing on one of ours', () => {
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const { status, stderr } = withFiles(2, (fds) =>
      runWith(fds, ['run', '--preserve-fds', '3', id]),
    );
    expect(status).to.equal(1);
    expect(stderr).to.contain('cannot preserve 3 descriptors: descriptor 5 is not open');
  });

  it('LISTEN_FDS for this process is passed on, with LISTEN_PID 1', () => {
    const { bundle, id } = fixture();
    bundle.configure(['sh', '-c', 'echo $LISTEN_FDS $LISTEN_PID; exec ls /proc/self/fd']);
    const { stdout } = withFiles(2, (fds) =>
      runWith(fds, ['run', id], 'export LISTEN_FDS=2 LISTEN_PID=$$;'),
    );
    expect(stdout).to.equal('2 1\n0\n1\n2\n3\n4\n5\n');
  });

  it('LISTEN_FDS for another process is not', () => {
    const { bundle, id } = fixture();
    bundle.configure(['sh', '-c', 'echo [$LISTEN_FDS]; exec ls /proc/self/fd']);
    const { stdout } = withFiles(2, (fds) =>
      runWith(fds, ['run', id], 'export LISTEN_FDS=2 LISTEN_PID=1;'),
    );
    expect(stdout).to.equal('[]\n0\n1\n2\n3\n');
  });

  it('--pidfd-socket gets a pidfd of the first process, and of an exec', () => {
    const { bundle, id } = fixture();
    const file = path.join(bundle.directory, 'pidfd.sock');
    const socket = new DescriptorSocket(file);
    const receivePid = () => {
      const fd = socket.receive();
      if (fd === undefined) throw new Error('nothing was sent');
      const pid = /^Pid:\s*(-?\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
      fs.closeSync(fd);
      return pid;
    };
    try {
      bundle.configure(['sleep', '60']);
      expect(bundle.run(['create', '--pidfd-socket', file, id]).stderr).to.equal('');
      const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
      expect(receivePid()).to.equal(String(pid));
      bundle.run(['start', id]);
      const pidFile = path.join(bundle.directory, 'pid');
      bundle.run(['exec', '-d', '--pidfd-socket', file, '--pid-file', pidFile, id, 'sleep', '60']);
      expect(receivePid()).to.equal(fs.readFileSync(pidFile, 'utf8'));
    } finally {
      socket.close();
    }
  });

  it('--pidfd-socket that nobody listens at fails the create', () => {
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    const { status, stderr } = bundle.run(['create', '--pidfd-socket', '/nonexistent/s', id]);
    expect(status).to.equal(1);
    expect(stderr).to.contain('connect /nonexistent/s: ENOENT');
  });

  describe('exec', () => {
    beforeEach(() => {
      const { bundle, id } = fixture();
      fixture().create(['sleep', '60']);
      bundle.run(['start', id]);
    });

    it('--cgroup puts the process below the group of the container', () => {
      const { bundle, id } = fixture();
      const group = cgroupsOf(id).find((directory) => directory.includes('/memory/'));
      if (group === undefined) return; // cgroup v2 is tested in the virtual machine
      fs.mkdirSync(path.join(group, 'sub'));
      const { stdout, stderr } = bundle.run([
        'exec',
        '--cgroup',
        'memory:sub',
        id,
        'grep',
        '-E',
        'memory|pids',
        '/proc/self/cgroup',
      ]);
      expect(stderr).to.equal('');
      expect(stdout)
        .to.match(/memory:.*\/sub$/m)
        .and.match(/pids:\/[^/]*$/m);
    });

    for (const [written, reason] of [
      ['nope:sub', 'names controller \\"nope\\", which is not mounted'],
      ['memory:nope', '/nope does not exist'],
      ['../../..', undefined],
    ] as const) {
      it(`--cgroup ${written} leads nowhere else`, () => {
        const { bundle, id } = fixture();
        const { status, stdout, stderr } = bundle.run([
          ...['exec', '--cgroup', written, id],
          ...['grep', 'pids', '/proc/self/cgroup'],
        ]);
        if (reason === undefined) expect(stdout).to.contain(`/${id}`);
        else expect(status).to.equal(255);
        expect(stderr).to.contain(reason ?? '');
      });
    }

    it('--apparmor and --process-label say that nobody would enforce them', function () {
      if (fs.existsSync('/sys/kernel/security/apparmor')) this.skip();
      const { bundle, id } = fixture();
      expect(bundle.run(['exec', '--apparmor', 'x', id, 'true']).stderr).to.contain(
        'AppArmor is not enabled on this host',
      );
      expect(bundle.run(['exec', '--process-label', 'x', id, 'true']).stderr).to.contain(
        'selinux is disabled',
      );
    });
  });

  describe('NOTIFY_SOCKET', () => {
    /** Runs a verb with it; `told` is what the caller was told, in the end. */
    function notified(verb: string[], socket: DatagramSocket, file: string) {
      const { bundle, id } = fixture();
      const child = spawn(executablePath('runtime'), ['--root', bundle.root, ...verb, id], {
        cwd: bundle.directory,
        env: { ...process.env, NOTIFY_SOCKET: file },
        stdio: 'ignore',
      });
      const ended = once(child, 'exit');
      const told: string[] = [];
      // To receive is to close the descriptor that comes with BARRIER=1.
      const receive = () => {
        for (let message; (message = socket.receive()) !== undefined;) told.push(message);
      };
      return { pid: child.pid, ended, told, receive };
    }

    const script = 'echo $NOTIFY_SOCKET > /said; ls /run/notify >> /said; sleep 60';

    for (const [way, before, verb] of [
      ['start', ['create'], ['start']],
      ['run --detach', undefined, ['run', '--detach']],
      ['run', undefined, ['run']],
    ] as const) {
      it(`${way}: the container is told a socket of its own, and its readiness is passed on`, async () => {
        const { bundle, id, rootfs } = fixture();
        const file = path.join(bundle.directory, 'host.sock');
        const inside = path.join(bundle.root, id, 'notify/notify.sock');
        bundle.configure(['sh', '-c', script], (config) => (config.root.readonly = false));
        const socket = new DatagramSocket(file);
        try {
          if (before) {
            const created = await notified([...before], socket, file).ended;
            expect(created).to.deep.equal([0, null]);
          }
          const { pid: runtime, ended, told, receive } = notified([...verb], socket, file);
          const said = path.join(rootfs, 'said');
          await waitFor('the container ran', () => fs.existsSync(said));
          sendDatagram(inside, 'STATUS=soon');
          sendDatagram(inside, 'READY=1\nSTATUS=here');
          await waitFor('readiness and barrier', () => (receive(), told.length === 2));
          const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
          const main = way === 'run' ? runtime : pid;
          expect(told).to.deep.equal([`READY=1\nMAINPID=${main}\n`, 'BARRIER=1']);
          if (way === 'run') bundle.run(['kill', id, 'KILL']);
          expect(await ended).to.deep.equal([way === 'run' ? 137 : 0, null]);
          expect(fs.readFileSync(said, 'utf8')).to.match(/notify.sock\nnotify.sock\n$/);
        } finally {
          socket.close();
        }
      });
    }

    it('run --detach does not wait for a container that has ended', async () => {
      const { bundle } = fixture();
      const file = path.join(bundle.directory, 'host.sock');
      const socket = new DatagramSocket(file);
      try {
        bundle.configure(['true']);
        expect(await notified(['run', '--detach'], socket, file).ended).to.deep.equal([0, null]);
      } finally {
        socket.close();
      }
    });
  });

  it('a cgroup in which somebody lives is not taken', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    const second = `${id}-second`;
    bundle.configure(['true'], ({ linux }) => (linux!.cgroupsPath = `/${id}`));
    expect(bundle.run(['create', second]).stderr).to.contain('is not empty: 1 process(es) found');
    expect(bundle.run(['delete', '--force', second]).status).to.equal(0);
    expect(bundle.run(['state', id]).stdout).to.contain('"created"');
  });
});
