/** Seccomp filters by what the filtered process notices, and the listener of SCMP_ACT_NOTIFY. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { DescriptorSocket } from '#lib/sys/descriptor-socket';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import type { Seccomp, SeccompAction } from '#spec/oci/seccomp';
import { describeContainers } from './fixture.ts';

function filter(action: SeccompAction, names: string[], more: Partial<Seccomp> = {}) {
  return (config: RuntimeConfig) => {
    config.root.readonly = false;
    config.linux!.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names, action }],
      ...more,
    };
  };
}
const mkdir = ['mkdir', 'mkdirat'];

describeContainers('seccomp', (fixture) => {
  for (const noNewPrivileges of [true, false]) {
    it(`answers with the errno of the rule (noNewPrivileges: ${noNewPrivileges})`, () => {
      const { stderr } = fixture().run(['mkdir', '/x'], (config) => {
        filter('SCMP_ACT_ERRNO', [], {
          syscalls: [{ names: mkdir, action: 'SCMP_ACT_ERRNO', errnoRet: 28 }],
        })(config);
        config.process.noNewPrivileges = noNewPrivileges;
      });
      expect(stderr).to.contain('No space left on device');
    });
  }

  for (const noNewPrivileges of [true, false]) {
    it(`demands nothing of the filter but execve (noNewPrivileges: ${noNewPrivileges})`, () => {
      // What the runtime itself calls between becoming the user and execve.
      const own = ['faccessat2', 'statx', 'openat2', 'capset', 'setresuid', 'setresgid'];
      const names = [...own, 'setgroups', 'umask', 'close_range', 'clone3', 'dup3'];
      const { status, stdout } = fixture().run(['echo', 'here'], (config) => {
        filter('SCMP_ACT_KILL_PROCESS', names)(config);
        config.process.noNewPrivileges = noNewPrivileges;
      });
      expect({ status, stdout }).to.deep.equal({ status: 0, stdout: 'here\n' });
    });
  }

  it('leaves nothing of the right to load it', () => {
    const { stdout } = fixture().shell('grep ^Cap /proc/self/status', (config) => {
      filter('SCMP_ACT_ERRNO', mkdir)(config);
      config.process.noNewPrivileges = false;
      config.process.capabilities = { bounding: [] };
    });
    expect(stdout.match(/[0-9a-f]{16}/g)).to.deep.equal(Array(5).fill('0'.repeat(16)));
  });

  it('kills the process with SIGSYS', () => {
    const { status } = fixture().shell('mkdir /x; exit $?', filter('SCMP_ACT_KILL_PROCESS', mkdir));
    expect(status).to.equal(128 + 31);
  });

  for (const noNewPrivileges of [true, false]) {
    it(`hands the listener over, and it decides (noNewPrivileges: ${noNewPrivileges})`, () => {
      const { bundle, id } = fixture();
      const listenerPath = path.join(bundle.directory, 'seccomp.sock');
      const socket = new DescriptorSocket(listenerPath);
      try {
        fixture().create(['sh', '-c', 'mkdir /x 2> /said'], (config) => {
          filter('SCMP_ACT_NOTIFY', mkdir, { listenerPath })(config);
          config.process.noNewPrivileges = noNewPrivileges;
        });
        const listener = socket.receive();
        expect(listener).to.be.a('number');
        expect(fs.readlinkSync(`/proc/self/fd/${listener!}`)).to.equal('anon_inode:seccomp notify');
        expect(bundle.run(['start', id]).stderr).to.equal('');
        fs.closeSync(listener!); // a call that nobody answers any more gives ENOSYS
        const said = path.join(fixture().rootfs, 'said');
        for (const end = Date.now() + 5000; Date.now() < end;) {
          if (fs.existsSync(said) && fs.readFileSync(said, 'utf8') !== '') break;
        }
        expect(fs.readFileSync(said, 'utf8')).to.contain('Function not implemented');
      } finally {
        socket.close();
      }
    });
  }

  it('tells the listener whose calls they are', async () => {
    const { bundle, id } = fixture();
    const listenerPath = path.join(bundle.directory, 'seccomp.sock');
    const server = net.createServer().listen(listenerPath);
    await once(server, 'listening');
    try {
      const options = { listenerPath, listenerMetadata: 'for you' };
      fixture().create(['true'], filter('SCMP_ACT_NOTIFY', mkdir, options));
      const [connection] = (await once(server, 'connection')) as [net.Socket];
      const [data] = (await once(connection, 'data')) as [Buffer];
      connection.destroy();
      const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
      const message = JSON.parse(data.toString()) as Record<string, unknown>;
      expect(message).to.deep.include({ fds: ['seccompFd'], pid, metadata: 'for you' });
      expect(message.state).to.deep.include({ id, pid, status: 'creating' });
    } finally {
      server.close();
    }
  });

  it('fails the create when nobody listens', () => {
    const change = filter('SCMP_ACT_NOTIFY', mkdir, { listenerPath: '/nonexistent/s' });
    const { status, stderr } = fixture().create(['true'], change);
    expect(status).to.equal(1);
    expect(stderr).to.contain('linux.seccomp.listenerPath').and.contain('ENOENT');
  });

  it('applies to exec, too', () => {
    const { bundle, id } = fixture();
    fixture().create(['sleep', '60'], filter('SCMP_ACT_ERRNO', mkdir));
    bundle.run(['start', id]);
    expect(bundle.run(['exec', id, 'mkdir', '/x']).stderr).to.contain('not permitted');
  });
});
