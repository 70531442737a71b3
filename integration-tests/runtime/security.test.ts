/**
 * Attacks that got out of other runtimes, one per advisory (reference: their CVE numbers). Each is mounted here with
 * what an image, a shared volume or a process of the container controls, and has to fail.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';
import { capabilityNumber } from '#spec/capabilities';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from './fixture.ts';

const dockerCapabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW'],
  ...['CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE'],
  ...['CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE'],
];

function withDockerCapabilities(config: RuntimeConfig): void {
  const sets = { bounding: dockerCapabilities, effective: dockerCapabilities };
  config.process.capabilities = { ...sets, permitted: dockerCapabilities };
  config.root.readonly = false;
}

/** What the attacker may read of a process that has become the command of exec meanwhile. */
const ofTheCommand =
  / [012] -> |busybox|^(PATH|TERM|HOME)=|\[(stack|heap|vvar|vvar_vclock|vdso|vsyscall)\]$|^\S+ rw-p 00000000 00:00 0 $/;

function withoutMount(config: RuntimeConfig, ...destinations: string[]): void {
  config.mounts = config.mounts!.filter(({ destination }) => !destinations.includes(destination));
}

function hashes(): string[] {
  const runtime = fs.realpathSync(executablePath('runtime'));
  const library = path.resolve(path.dirname(runtime), '../lib');
  return [runtime, ...['node', 'runtime.js'].map((name) => path.join(library, name))].map((file) =>
    createHash('sha256').update(fs.readFileSync(file)).digest('hex'),
  );
}

describeContainers('security', (fixture) => {
  const inRoot = (...names: string[]) => path.join(fixture().rootfs, ...names);

  it('CVE-2019-5736: an entry point that is /proc/self/exe gets nothing of the host', () => {
    const before = hashes();
    fs.writeFileSync(inRoot('evil'), '#!/proc/self/exe\n', { mode: 0o755 });
    const { status } = fixture().run(['/evil'], withDockerCapabilities);
    expect(status).not.to.equal(0);
    expect(hashes()).to.deep.equal(before);
  });

  it('CVE-2019-5736: nor does who watches execs of it find anything to write to', async () => {
    const { bundle, id } = fixture();
    const before = hashes();
    // The interpreter is the program that joined the container: its own, sealed copy of itself.
    fs.writeFileSync(inRoot('evil'), '#!/proc/self/exe\n', { mode: 0o755 });
    const script = `
      while [ ! -e /stop ]; do
        for p in /proc/[0-9]*; do
          case $(readlink $p/exe 2>/dev/null) in /bin/busybox|'') continue;; esac
          readlink $p/exe >> /seen
          (echo x > $p/exe) 2>/dev/null && echo "replaced $p/exe" >> /won
          (echo x 1<> $p/exe) 2>/dev/null && echo "wrote into $p/exe" >> /won
        done
      done`;
    fixture().create(['sh', '-c', script], withDockerCapabilities);
    bundle.run(['start', id]);
    for (let round = 0; round < 30; round++) {
      expect(bundle.run(['exec', id, '/evil']).status).not.to.equal(0);
    }
    fs.writeFileSync(inRoot('stop'), '');
    await waitFor('the attacker stopped', () =>
      bundle.run(['state', id]).stdout.includes('"stopped"'),
    );
    const lines = (name: string) =>
      (fs.existsSync(inRoot(name)) ? fs.readFileSync(inRoot(name), 'utf8') : '')
        .split('\n')
        .filter(Boolean);
    expect(lines('won')).to.deep.equal([]);
    expect(lines('seen').filter((exe) => !exe.includes('memfd:loader'))).to.deep.equal([]);
    expect(hashes()).to.deep.equal(before);
  });

  it('CVE-2019-5736, CVE-2016-9962: who enters a container cannot be written, opened or read from inside', async () => {
    const { bundle, id } = fixture();
    const before = hashes();
    const script = `
      mine() { case $(readlink $1/exe 2>/dev/null) in /bin/busybox|'') true;; *) false;; esac; }
      while [ ! -e /stop ]; do
        for p in /proc/[0-9]*; do
          mine $p && continue
          echo "exe of $p: $(readlink $p/exe)" >> /won
          (echo x > $p/exe) 2>/dev/null && echo "wrote $p/exe" >> /won
          (echo x 1<> $p/exe) 2>/dev/null && echo "wrote into $p/exe" >> /won
        done
        for p in /proc/[0-9]*; do
          case "$(cat $p/comm 2>/dev/null)" in runtime)
            echo $p >> /seen
            ls -l $p/fd/ 2>/dev/null | grep -e '->' >> /won
            [ -r $p/environ ] && cat $p/environ 2>/dev/null | grep . >> /won
            (cat $p/maps) 2>/dev/null | grep . >> /won;;
          esac
        done
      done`;
    fixture().create(['sh', '-c', script], withDockerCapabilities);
    bundle.run(['start', id]);
    for (let round = 0; round < 30; round++) {
      expect(bundle.run(['exec', id, 'true']).status).to.equal(0);
    }
    fs.writeFileSync(inRoot('stop'), '');
    await waitFor('the attacker stopped', () =>
      bundle.run(['state', id]).stdout.includes('"stopped"'),
    );
    const read = (name: string) =>
      fs.existsSync(inRoot(name)) ? fs.readFileSync(inRoot(name), 'utf8') : '';
    expect(read('seen'), 'processes on their way in').not.to.equal('');
    const theirs = read('won')
      .split(/[\n\0]/)
      .filter((line) => line !== '' && !ofTheCommand.test(line));
    expect(theirs).to.deep.equal([]);
    expect(hashes()).to.deep.equal(before);
  });

  it('CVE-2024-21626: a working directory by way of a descriptor does not lead to the host', () => {
    for (let fd = 3; fd < 24; fd++) {
      const { stdout } = fixture().run(['ls', '..'], (config) => {
        config.process.cwd = `/proc/self/fd/${fd}`;
      });
      expect(stdout, `descriptor ${fd}`).to.equal('');
    }
  });

  it('CVE-2024-21626: nor does one of exec', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60']);
    bundle.run(['start', id]);
    for (let fd = 3; fd < 24; fd++) {
      const { stdout } = bundle.run(['exec', '--cwd', `/proc/self/fd/${fd}`, id, 'ls', '..']);
      expect(stdout, `descriptor ${fd}`).to.equal('');
    }
  });

  it('CVE-2021-30465, CVE-2024-45310: a place that becomes a link meanwhile makes nothing outside', () => {
    const outside = fs.mkdtempSync('/tmp/runtime-outside-');
    fs.mkdirSync(inRoot('swap'));
    fs.symlinkSync(`/../../../../../../../..${outside}`, inRoot('link'));
    const swapper = `const fs = require('fs'); process.chdir(${JSON.stringify(fixture().rootfs)});
      for (;;) { try { fs.renameSync('swap', 'old'); fs.renameSync('link', 'swap');
        fs.renameSync('swap', 'link'); fs.renameSync('old', 'swap'); } catch {} }`;
    const attacker = spawn(process.execPath, ['-e', swapper], { stdio: 'ignore' });
    try {
      for (let round = 0; round < 30; round++) {
        fixture().run(['true'], (config) => {
          config.root.readonly = false;
          config.mounts!.push(
            { destination: '/swap/a/b', type: 'tmpfs', source: 'tmpfs' },
            { destination: '/swap/file', type: 'bind', source: '/etc/hostname', options: ['bind'] },
          );
        });
        expect(fs.readdirSync(outside), `round ${round}`).to.deep.equal([]);
      }
    } finally {
      attacker.kill('SIGKILL');
      fs.rmSync(outside, { recursive: true });
    }
  });

  it('CVE-2019-19921, CVE-2023-27561: a /proc that is a link is no /proc', () => {
    fs.mkdirSync(inRoot('other'));
    fs.symlinkSync('/other', inRoot('proc'));
    const { status, stderr } = fixture().run(['true']);
    expect(status).to.equal(1);
    expect(stderr).to.contain('mount /proc (mounts[0])').and.contain('ELOOP');
  });

  it('CVE-2023-28642: nor is a /sys', () => {
    fs.mkdirSync(inRoot('other'));
    fs.symlinkSync('/other', inRoot('sys'));
    expect(fixture().run(['true']).stderr)
      .to.contain('mount /sys (mounts[')
      .and.contain('ELOOP');
  });

  for (const destination of ['/link/self/attr', '/link/sys/kernel', '/link', '/link/uptime']) {
    it(`CVE-2019-19921: nothing is mounted at ${destination} where the link leads to /proc`, () => {
      fs.symlinkSync('/proc', inRoot('link'));
      const { status, stderr } = fixture().run(['true'], ({ mounts }) =>
        mounts!.push({
          destination,
          type: 'bind',
          source: destination.endsWith('uptime') ? '/etc/hostname' : '/tmp',
          options: ['bind'],
        }),
      );
      expect(status).to.equal(1);
      expect(stderr).to.contain(`${destination} leads into /proc`);
    });
  }

  it('CVE-2022-29162: a further process inherits no capability either', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], withDockerCapabilities);
    bundle.run(['start', id]);
    const { stdout } = bundle.run(['exec', id, 'grep', '-E', 'CapInh|CapAmb', '/proc/self/status']);
    expect(stdout.replaceAll('\t', ' ')).to.equal(
      'CapInh: 0000000000000000\nCapAmb: 0000000000000000\n',
    );
  });

  it('CVE-2022-29162: exec --cap makes no capability inheritable', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], withDockerCapabilities);
    bundle.run(['start', id]);
    const sets = ['grep', '-E', 'CapInh|CapAmb|CapEff', '/proc/self/status'];
    const args = ['exec', '--user', '5:5', '--cap', 'CAP_SYS_CHROOT', id];
    const { stdout } = bundle.run([...args, ...sets]);
    expect(stdout.match(/[0-9a-f]{16}/g)).to.deep.equal(Array(3).fill('0'.repeat(16)));
  });

  it('exec --process without capabilities gets those of the container, not all', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], withDockerCapabilities);
    bundle.run(['start', id]);
    const file = path.join(bundle.directory, 'process.json');
    const args = ['grep', '-E', 'CapBnd|CapPrm', '/proc/self/status'];
    const described = { args, cwd: '/', user: { uid: 0, gid: 0 }, env: ['PATH=/bin'] };
    fs.writeFileSync(file, JSON.stringify(described));
    const { stdout } = bundle.run(['exec', '--process', file, id]);
    const sets = stdout.match(/[0-9a-f]{16}/g)?.map((mask) => BigInt(`0x${mask}`));
    const mask = dockerCapabilities
      .map((name) => 1n << BigInt(capabilityNumber(name)!))
      .reduce((sum, bit) => sum | bit, 0n);
    expect(sets).to.deep.equal([mask, mask]);
  });

  it('CVE-2023-25809: without a cgroup namespace the cgroups cannot be written', () => {
    const { stdout } = fixture().shell(
      'for f in $(ls -d /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs 2> /dev/null); do (echo 0 > $f) 2> /dev/null && echo wrote $f; done; mkdir /sys/fs/cgroup/memory/x 2> /dev/null && echo made; echo done',
      (config) => {
        withDockerCapabilities(config);
        config.linux!.namespaces = config.linux!.namespaces!.filter(
          ({ type }) => type !== 'cgroup',
        );
        withoutMount(config, '/sys/fs/cgroup');
        config.mounts!.push({
          destination: '/sys/fs/cgroup',
          type: 'cgroup',
          source: 'cgroup',
          options: ['ro', 'nosuid', 'noexec', 'nodev'],
        });
      },
    );
    expect(stdout).to.equal('done\n');
  });

  it('CVE-2025-31133: a /dev/null that is something else masks nothing by accident', () => {
    fs.mkdirSync(inRoot('dev'));
    fs.mkdirSync(inRoot('proc'));
    fs.symlinkSync('/proc/sysrq-trigger', inRoot('dev/null'));
    const { status, stderr } = fixture().run(['true'], (config) =>
      withoutMount(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'),
    );
    expect(status).to.equal(1);
    expect(stderr).to.contain('/dev/null is not the null device');
  });

  it('CVE-2025-31133: nor does a file in its place', () => {
    fs.mkdirSync(inRoot('dev'));
    fs.writeFileSync(inRoot('dev/null'), '');
    const { status, stderr } = fixture().run(['true'], (config) =>
      withoutMount(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue'),
    );
    expect(status).to.equal(1);
    expect(stderr).to.contain('/dev/null is not the null device');
  });

  it('CVE-2025-52565: the terminal is not mounted where a link of the image leads', () => {
    const { bundle, id } = fixture();
    fs.mkdirSync(inRoot('dev'));
    fs.symlinkSync('/proc/sys/kernel/core_pattern', inRoot('dev/console'));
    const file = path.join(bundle.directory, 'console.sock');
    const socket = new DescriptorSocket(file);
    try {
      bundle.configure(['true'], (config) => {
        config.process.terminal = true;
        config.root.readonly = false;
        withoutMount(config, '/dev', '/dev/shm', '/dev/mqueue');
      });
      const { status, stderr } = bundle.run(['create', '--console-socket', file, id]);
      expect(status).to.equal(1);
      expect(stderr).to.contain('/dev/console').and.contain('ELOOP');
    } finally {
      socket.close();
    }
  });

  for (const [what, make] of [
    ['a link', (file: string) => fs.symlinkSync('/proc/1/root/dev/ptmx', file)],
    ['a file', (file: string) => fs.writeFileSync(file, '')],
    ['another device', (file: string) => spawnSync('mknod', [file, 'c', '1', '3'])],
  ] as const) {
    it(`CVE-2025-52565: no terminal comes from ${what} that an image has as /dev/pts/ptmx`, () => {
      const { bundle, id } = fixture();
      fs.mkdirSync(inRoot('dev/pts'), { recursive: true });
      make(inRoot('dev/pts/ptmx'));
      const file = path.join(bundle.directory, 'console.sock');
      const socket = new DescriptorSocket(file);
      try {
        bundle.configure(['sleep', '60'], (config) => {
          config.root.readonly = false;
          delete config.linux!.maskedPaths;
          withoutMount(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue');
        });
        expect(bundle.run(['run', '--detach', id]).stderr).to.equal('');
        const exec = ['exec', '--detach', '--tty', '--console-socket', file, id, 'true'];
        const { status, stderr } = bundle.run(exec);
        expect(status).not.to.equal(0);
        expect(stderr).to.contain('open a terminal (process.terminal)');
        expect(() => socket.receive()).to.throw('without a descriptor');
      } finally {
        socket.close();
      }
    });
  }

  it('CVE-2025-52881: a sysctl goes to the kernel and not to what the image calls /proc', () => {
    const file = inRoot('proc/sys/net/ipv4/ip_forward');
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'untouched');
    const { status, stderr } = fixture().run(['true'], (config) => {
      config.linux!.sysctl = { 'net.ipv4.ip_forward': '1' };
      withoutMount(config, '/proc');
      delete config.linux!.maskedPaths;
      delete config.linux!.readonlyPaths;
    });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    expect(fs.readFileSync(file, 'utf8')).to.equal('untouched');
  });

  it('CVE-2026-41579: devices are not made where a /dev that is a link leads', () => {
    fs.mkdirSync(inRoot('other'));
    fs.symlinkSync('/other', inRoot('dev'));
    for (const keep of [true, false]) {
      const { status } = fixture().run(['true'], (config) => {
        config.root.readonly = false;
        if (!keep) withoutMount(config, '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue');
      });
      expect(status).to.equal(1);
      expect(fs.readdirSync(inRoot('other'))).to.deep.equal([]);
    }
  });

  it('what every container is kept from by default stays closed to root of the container', () => {
    const script = `
      for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts; do
        [ -e $f ] && [ -n "$(head -c 1 $f 2> /dev/null)" ] && echo read $f
      done
      for d in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
        [ -d $d ] && [ -n "$(ls $d)" ] && echo listed $d
        (echo x > $d/x) 2> /dev/null && echo wrote below $d
      done
      for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/irq/x /proc/fs/x /proc/bus/x /sys/x; do
        (echo x > $f) 2> /dev/null && echo wrote $f
      done
      mount -o remount,rw /proc/sys 2> /dev/null && echo remounted
      umount /proc/kcore 2> /dev/null && echo uncovered
      echo done`;
    const { stdout, stderr } = fixture().shell(script, withDockerCapabilities);
    expect(stdout, stderr).to.equal('done\n');
  });
});
