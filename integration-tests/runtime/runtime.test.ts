/** The runtime by its command line, as shims and people use it. */
import fs from 'node:fs';
import path from 'node:path';
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { waitFor } from '../harness/wait.ts';
import { TestBundle } from './bundle.ts';

/** Pids of processes in the container's cgroup, in whatever namespaces they are. */
function processesIn(id: string): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return fs.readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(`/${id}\n`);
    } catch {
      return false; // ended meanwhile
    }
  });
}

function cgroupsOf(id: string): string[] {
  return fs
    .readdirSync('/sys/fs/cgroup')
    .map((group) => path.join('/sys/fs/cgroup', group, id))
    .filter((directory) => fs.existsSync(directory));
}

describe('runtime', function () {
  this.timeout(60_000);
  let bundle: TestBundle;
  let id: string;

  before(function () {
    if (process.geteuid?.() !== 0) this.skip();
  });

  beforeEach(() => {
    bundle = new TestBundle();
    id = `runtime-test-${randomBytes(4).toString('hex')}`;
  });

  afterEach(async () => {
    bundle.run(['delete', '--force', id]);
    bundle.remove();
    await waitFor(`nothing of ${id} is left`, () => processesIn(id).length === 0);
    expect(cgroupsOf(id)).to.deep.equal([]);
  });

  const statusOf = () =>
    (JSON.parse(bundle.run(['state', id]).stdout) as { status: string }).status;

  describe('create, start, kill and delete', () => {
    it('walk through created, running and stopped', () => {
      bundle.configure(['sleep', '60']);
      const pidFile = path.join(bundle.directory, 'pid');
      expect(bundle.run(['create', '--pid-file', pidFile, id])).to.include({ status: 0 });
      expect(statusOf()).to.equal('created');
      const pid = fs.readFileSync(pidFile, 'utf8');
      expect(fs.readlinkSync(`/proc/${pid}/exe`)).to.contain('memfd:');
      expect(bundle.run(['start', id])).to.include({ status: 0, stderr: '' });
      expect(statusOf()).to.equal('running');
      expect(fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8')).to.equal('sleep\u000060\u0000');
      expect(bundle.run(['start', id]).stderr).to.contain('already running');
      expect(bundle.run(['delete', id]).stderr).to.contain('that is not stopped: running');
      expect(bundle.run(['kill', id, '0'])).to.include({ status: 0, stderr: '' }); // is it there?
      expect(bundle.run(['kill', id, 'KILL'])).to.include({ status: 0 });
      while (fs.existsSync(`/proc/${pid}/ns/pid`)) bundle.run(['state', id]);
      expect(statusOf()).to.equal('stopped');
      expect(bundle.run(['kill', id]).stderr).to.contain('container not running');
      expect(bundle.run(['kill', id, '0']).stderr).to.contain('container not running');
      expect(bundle.run(['delete', id])).to.include({ status: 0 });
      expect(bundle.run(['state', id]).stderr).to.contain('container does not exist');
    });

    it('refuse a name that is in use', () => {
      bundle.configure(['sleep', '60']);
      bundle.run(['create', id]);
      expect(bundle.run(['create', id])).to.include({ status: 1 });
      expect(statusOf()).to.equal('created');
    });

    it('report a command that is no program at start', () => {
      bundle.configure(['/etc/garbage']);
      expect(bundle.run(['create', id])).to.include({ status: 0 });
      const { status, stderr } = bundle.run(['start', id]);
      expect(status).to.equal(1);
      expect(stderr).to.contain('exec format error');
    });
  });

  describe('create', () => {
    const phrases = [
      ['nope', 'exec: \\"nope\\": executable file not found in $PATH'],
      ['/nope', 'exec: \\"/nope\\": stat /nope: no such file or directory'],
      ['/etc/not-executable', 'exec: \\"/etc/not-executable\\": permission denied'],
      ['/etc', 'permission denied'],
    ] as const;
    for (const [command, phrase] of phrases) {
      it(`says of ${command} what docker looks for, and leaves nothing`, () => {
        bundle.configure([command]);
        const { status, stderr } = bundle.run(['create', id]);
        expect(status).to.equal(1);
        expect(stderr).to.contain(`unable to start container process: `).and.contain(phrase);
        expect(bundle.run(['list', '-q']).stdout).to.equal('');
      });
    }

    it('names the property of what cannot be mounted', () => {
      bundle.configure(['true'], ({ mounts }) =>
        mounts!.push({ destination: '/data', type: 'nosuchfs', source: 'x' }),
      );
      expect(bundle.run(['create', id]).stderr).to.contain('mount /data (mounts[7])');
    });

    it('dies with all it made when the runtime is killed in a hook', async () => {
      bundle.configure(['sleep', '60'], (config) => {
        config.hooks = {
          createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'kill -9 $PPID'] }],
        };
      });
      expect(bundle.run(['create', id]).status).to.equal(null);
      await waitFor('its processes are gone', () => processesIn(id).length === 0);
      // The empty cgroup and the record wait for `delete --force`, which every shim calls then (afterEach does).
    });

    it('leaves nothing when a hook fails, and says which', () => {
      bundle.configure(['sleep', '60'], (config) => {
        config.hooks = {
          createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', 'echo why >&2; exit 3'] }],
        };
      });
      const { stderr } = bundle.run(['create', id]);
      expect(stderr).to.contain('createRuntime hook #0: exit status 3').and.contain('why');
    });

    it('leaves nothing when the container cannot be recorded', () => {
      bundle.configure(['sleep', '60']);
      expect(bundle.run(['create', '--pid-file', '/nonexistent/pid', id]).status).to.equal(1);
      expect(bundle.run(['list', '-q']).stdout).to.equal('');
    });
  });

  describe('run', () => {
    it('ends with the status of the process', () => {
      bundle.configure(['sh', '-c', 'echo out; echo err >&2; exit 7']);
      expect(bundle.run(['run', id])).to.deep.equal({
        status: 7,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    });

    it('gives 128 and the number of the signal that killed it', () => {
      bundle.configure(['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?']);
      expect(bundle.run(['run', id]).status).to.equal(137);
    });

    it('gives the process pid 1, its own host name, one interface and no way to write the root', () => {
      bundle.configure([
        'sh',
        '-c',
        'echo $$; hostname; ls /sys/class/net; echo x > /x || echo no',
      ]);
      expect(bundle.run(['run', id]).stdout).to.equal('1\nruntime\nlo\nno\n');
    });

    it('leaves no descriptor, no capability and no privilege that was not asked for', () => {
      bundle.configure([
        'sh',
        '-c',
        'ls /proc/1/fd; grep -E "CapEff|CapInh|NoNewPrivs" /proc/self/status',
      ]);
      expect(bundle.run(['run', id]).stdout.replaceAll('\t', ' ')).to.equal(
        '0\n1\n2\nCapInh: 0000000000000000\nCapEff: 0000000020000420\nNoNewPrivs: 1\n',
      );
    });

    it('never leaves the root on a link of the image', () => {
      const outside = fs.mkdtempSync('/tmp/runtime-outside-');
      fs.symlinkSync('/../../../..', path.join(bundle.directory, 'rootfs/up'));
      bundle.configure(
        ['sh', '-c', `ls -d /proc/1/root${outside}/made ${outside}/made`],
        (config) => {
          config.root.readonly = false;
          config.mounts!.push({
            destination: `/up${outside}/made`,
            type: 'tmpfs',
            source: 'tmpfs',
          });
        },
      );
      bundle.run(['run', id]);
      expect(fs.readdirSync(outside)).to.deep.equal([]);
      fs.rmdirSync(outside);
    });

    it('works for an ordinary user with one id', () => {
      const uid = 54321;
      bundle.configure(['id', '-u'], (config) => {
        delete config.linux!.resources;
        config.linux!.namespaces!.push({ type: 'user' });
        config.linux!.uidMappings = [{ containerID: 0, hostID: uid, size: 1 }];
        config.linux!.gidMappings = [{ containerID: 0, hostID: uid, size: 1 }];
        const devpts = config.mounts!.find(({ type }) => type === 'devpts')!;
        devpts.options = devpts.options!.filter((option) => option !== 'gid=5');
      });
      fs.chownSync(path.join(bundle.directory, 'rootfs'), uid, uid);
      fs.mkdirSync(bundle.root);
      fs.chownSync(bundle.root, uid, uid);
      const { status, stdout } = bundle.run(['run', id], { uid });
      expect({ status, stdout }).to.deep.equal({ status: 0, stdout: '0\n' });
    });
  });

  describe('exec', () => {
    beforeEach(() => {
      bundle.configure(['sleep', '60']);
      bundle.run(['create', id]);
      bundle.run(['start', id]);
    });

    it('runs in the same namespaces and ends with the status of its process', () => {
      const { status, stdout } = bundle.run(['exec', id, 'sh', '-c', 'hostname; exit 9']);
      expect({ status, stdout }).to.deep.equal({ status: 9, stdout: 'runtime\n' });
    });

    it('takes user, directory and environment', () => {
      const flags = ['--user', '7:8', '--cwd', '/etc', '--env', 'A=b'];
      const { stdout } = bundle.run([
        'exec',
        ...flags,
        id,
        'sh',
        '-c',
        'id -u; id -g; echo $PWD $A',
      ]);
      expect(stdout).to.equal('7\n8\n/etc b\n');
    });

    it('answers 255 with the words docker looks for', () => {
      const { status, stderr } = bundle.run(['exec', id, 'nope']);
      expect(status).to.equal(255);
      expect(stderr).to.contain('executable file not found in $PATH');
    });

    it('refuses a paused container', () => {
      bundle.run(['pause', id]);
      expect(statusOf()).to.equal('paused');
      expect(bundle.run(['exec', id, 'true']).stderr).to.contain(
        'cannot exec in a paused container',
      );
      bundle.run(['resume', id]);
      expect(statusOf()).to.equal('running');
    });
  });

  it('explains a bundle without touching the machine', () => {
    bundle.configure(['true']);
    const { stdout, status } = bundle.run(['explain', '.']);
    expect(status).to.equal(0);
    expect(stdout).to.contain('pivot_root').and.contain('process.capabilities');
  });

  it('writes errors to a JSON log as runc does', () => {
    const log = path.join(bundle.directory, 'log.json');
    bundle.run(['--log', log, '--log-format', 'json', 'state', id]);
    const record = JSON.parse(fs.readFileSync(log, 'utf8')) as Record<string, string>;
    expect(record).to.include({ level: 'error', msg: 'container does not exist' });
  });

  it('refuses a flag that it does not know', () => {
    expect(bundle.run(['state', '--nope', id]).stderr).to.contain(
      'flag provided but not defined: -nope',
    );
  });
});
