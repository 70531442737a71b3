/** `runtime checkpoint` and `runtime restore` with a real criu. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { skip } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { cgroupsOf, describeContainers, processesIn, type Fixture } from './fixture.ts';
import { ServingRuntime } from './serving-runtime.ts';

/** Counts in a file of the root file system; its streams are its own, so that they can be anywhere at the restore. */
const counting =
  'exec </dev/null >/dev/null 2>&1; i=0; while true; do i=$((i+1)); echo $i >/count; sleep 0.05; done';

describeContainers('runtime checkpoint', (fixture) => {
  before(function () {
    const { status, stderr } = spawnSync('criu', ['check'], { encoding: 'utf8' });
    if (status !== 0) skip(this, `needs a criu that works on this kernel: ${stderr}`);
  });

  const start = async (change: (config: RuntimeConfig) => void = () => undefined) => {
    const { bundle, id } = fixture();
    bundle.configure(['sh', '-c', counting], (config) => {
      config.root.readonly = false;
      change(config);
    });
    expect(bundle.run(['run', '--detach', id])).to.include({ status: 0 });
    await waitFor('it counts', () => count(fixture()) > 2);
  };
  const restore = (...flags: string[]) => {
    const { bundle, id } = fixture();
    return bundle.run(['restore', '--detach', '--image-path', 'images', ...flags, id]);
  };
  const checkpoint = (...flags: string[]) => {
    const { bundle, id } = fixture();
    return bundle.run(['checkpoint', '--image-path', 'images', ...flags, id]);
  };

  it('ends a container, and restore lets it go on where it was', async () => {
    const { bundle, id } = fixture();
    await start((config) => {
      config.linux = { ...config.linux, resources: { pids: { limit: 77 } } };
    });
    expect(checkpoint()).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    expect(bundle.run(['state', id]).stderr).to.include('container does not exist');
    expect(cgroupsOf(id)).to.deep.equal([]);
    const before = count(fixture());
    expect(before).to.be.greaterThan(2);

    expect(restore('--pid-file', 'pid')).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    await waitFor('it counts on', () => count(fixture()) > before + 2);
    const state = stateOf(fixture());
    expect(state).to.include({ status: 'running', id });
    expect(fs.readFileSync(path.join(bundle.directory, 'pid'), 'utf8')).to.equal(`${state.pid}`);
    const group = cgroupsOf(id).find((directory) => directory.includes('/pids/'));
    if (group) {
      expect(fs.readFileSync(path.join(group, 'pids.max'), 'utf8').trim()).to.equal('77');
    }
    expect(bundle.run(['exec', id, 'sh', '-c', 'echo $$; cat /proc/1/comm']).stdout).to.match(
      /^\d+\nsh\n$/,
    );
    expect(fs.readdirSync(path.join(bundle.root, id))).to.deep.equal(['state.json']);
  });

  it('keeps bind mounts, read-only paths and masks', async () => {
    const { bundle, id } = fixture();
    const outside = path.join(bundle.directory, 'outside');
    fs.mkdirSync(outside);
    fs.writeFileSync(path.join(outside, 'word'), 'here');
    await start((config) => {
      config.mounts?.push({
        ...{ destination: '/data', type: 'bind', source: outside },
        options: ['rbind', 'ro'],
      });
    });
    const look = () =>
      bundle.run(['exec', id, 'sh', '-c', 'cat /data/word; cat /proc/keys | wc -c']).stdout;
    const before = look();
    expect(before).to.equal('here0\n');
    expect(checkpoint()).to.include({ status: 0 });
    expect(restore()).to.include({ status: 0 });
    expect(look()).to.equal(before);
    const touched = bundle.run(['exec', id, 'touch', '/data/new']);
    expect(touched.stderr).to.include('Read-only file system');
  });

  it('keeps a read-only root', async () => {
    const { bundle, id } = fixture();
    const outside = path.join(bundle.directory, 'outside');
    fs.mkdirSync(outside);
    bundle.configure(['sh', '-c', counting.replace('/count', '/data/count')], (config) => {
      config.root.readonly = true;
      config.mounts?.push({
        ...{ destination: '/data', type: 'bind', source: outside },
        options: ['rbind'],
      });
    });
    expect(bundle.run(['run', '--detach', id])).to.include({ status: 0 });
    expect(checkpoint()).to.include({ status: 0 });
    const images = () =>
      fs.readFileSync(path.join(bundle.directory, 'images', mountsImage(bundle.directory)));
    const before = images();
    expect(restore()).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    const root = bundle.run(['exec', id, 'grep', ' / / ', '/proc/self/mountinfo']);
    const touched = bundle.run(['exec', id, 'touch', '/new']);
    expect(touched.stderr).to.include('Read-only file system', root.stdout);
    expect(bundle.run(['exec', id, 'touch', '/data/new'])).to.include({ status: 0 });
    expect(images().equals(before)).to.equal(true);
  });

  it('leaves a container running where that is asked for', async () => {
    await start();
    expect(checkpoint('--leave-running')).to.include({ status: 0 });
    expect(stateOf(fixture()).status).to.equal('running');
    const now = count(fixture());
    await waitFor('it counts on', () => count(fixture()) > now);
  });

  it('restores in the foreground, with pipes, and ends with the exit status', async () => {
    const { bundle, id } = fixture();
    bundle.configure(['sh', '-c', 'while read word; do echo got $word; done; exit 7']);
    let output = '';
    const foreground = (...args: string[]) => {
      // The shell's pipes: those of node:child_process are sockets.
      const script = 'cat | { "$@" 2>&1; echo "status $?"; } | cat';
      const command = [executablePath('runtime'), '--root', bundle.root, ...args];
      const shell = spawn('sh', ['-c', script, 'sh', ...command], { cwd: bundle.directory });
      shell.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
      return shell;
    };
    const first = foreground('run', id);
    first.stdin.write('one\n');
    await waitFor('the first word', () => output === 'got one\n');
    expect(checkpoint()).to.include({ status: 0 });
    first.stdin.end();
    await once(first, 'close');
    output = '';

    const second = foreground('restore', '--image-path', 'images', id);
    second.stdin.end('two\n');
    await once(second, 'close');
    expect(output).to.equal('got two\nstatus 7\n');
    expect(bundle.run(['state', id]).stderr).to.include('container does not exist');
  });

  it('works through serve: the process is not left to the one that serves', async () => {
    const { bundle, id } = fixture();
    await start();
    const server = new ServingRuntime();
    try {
      const call = (...args: string[]) =>
        server.call({ args: ['--root', bundle.root, ...args], cwd: bundle.directory });
      expect(await call('checkpoint', '--image-path', 'images', id)).to.equal(0);
      expect(await call('restore', '--detach', '--image-path', 'images', id)).to.equal(0);
      expect(fs.readFileSync(`/proc/${stateOf(fixture()).pid}/status`, 'utf8')).not.to.match(
        new RegExp(`^PPid:\\s*${server.child.pid}$`, 'm'),
      );
    } finally {
      await server.end();
    }
  });

  it('refuses what is not running, and flags that make no sense', async () => {
    const { bundle, id } = fixture();
    bundle.configure(['true']);
    bundle.run(['create', id]);
    expect(checkpoint().stderr).to.include('Container cannot be checkpointed in created state');
    bundle.run(['delete', '--force', id]);
    await start();
    for (const [flags, reason] of [
      [['--manage-cgroups-mode', 'all'], 'Invalid manage-cgroups-mode value'],
      [['--empty-ns', 'pid'], 'namespace "pid" is not supported'],
      [['--page-server', 'nowhere'], 'Use --page-server ADDRESS:PORT'],
      [['--parent-path', '/before'], '--parent-path must be relative'],
      [['--parent-path', 'before'], 'invalid --parent-path'],
      [['--lazy-pages', '--status-fd', '99'], 'invalid --status-fd argument 99'],
    ] as const) {
      expect(unquoted(checkpoint(...flags)), flags.join(' ')).to.include(reason);
    }
    expect(stateOf(fixture()).status).to.equal('running');
  });

  it("passes on criu's own words and leaves nothing behind", async () => {
    const { bundle, id } = fixture();
    await start();
    expect(checkpoint()).to.include({ status: 0 });
    const images = path.join(bundle.directory, 'images');
    const core = fs.readdirSync(images).find((name) => name.startsWith('core-')) ?? '';
    fs.writeFileSync(path.join(images, core), 'broken');
    const { status, stderr } = restore();
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /restore failed: criu failed: type RESTORE errno \d+: .*Error \(criu\//,
    );
    expect(stderr).to.include(path.join(images, 'restore.log'));
    expect(bundle.run(['state', id]).stderr).to.include('container does not exist');
    expect(fs.readdirSync(bundle.root)).to.deep.equal([]);
    expect(cgroupsOf(id)).to.deep.equal([]);
    expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.to.include(bundle.directory);
  });

  it('can be killed during a restore: delete takes away everything but the root file system', async () => {
    const { bundle, id, rootfs } = fixture();
    await start();
    expect(checkpoint()).to.include({ status: 0 });
    // The first criu is asked for its version; the second gets stuck.
    const script = `#!/bin/sh
if [ -e ${bundle.directory}/asked ]; then exec sleep 1000; fi
touch ${bundle.directory}/asked; exec $(PATH=\${PATH#*:} command -v criu) "$@"
`;
    fs.mkdirSync(path.join(bundle.directory, 'bin'));
    fs.writeFileSync(path.join(bundle.directory, 'bin/criu'), script, { mode: 0o755 });
    const args = ['--root', bundle.root, 'restore', '--image-path', 'images', id];
    const runtime = spawn(executablePath('runtime'), args, {
      cwd: bundle.directory,
      stdio: 'ignore',
      env: { ...process.env, PATH: `${bundle.directory}/bin:${process.env['PATH'] ?? ''}` },
    });
    await waitFor('criu is stuck', () => processesIn(id).length > 0);
    runtime.kill('SIGKILL');
    await once(runtime, 'exit');
    expect(bundle.run(['delete', '--force', id])).to.include({ status: 0 });
    expect(fs.existsSync(path.join(rootfs, 'bin/busybox'))).to.equal(true);
    expect(fs.existsSync(path.join(bundle.directory, 'images/descriptors.json'))).to.equal(true);
    expect(fs.readdirSync(bundle.root)).to.deep.equal([]);
    expect(fs.readFileSync('/proc/self/mountinfo', 'utf8')).not.to.include(bundle.directory);
    expect(processesIn(id)).to.deep.equal([]);
  });

  it('says where criu is missing', async () => {
    await start();
    const { bundle, id } = fixture();
    const args = ['--root', bundle.root, 'checkpoint', id];
    const result = spawnSync(executablePath('runtime'), args, {
      cwd: bundle.directory,
      env: { PATH: '/nowhere' },
      encoding: 'utf8',
    });
    expect(unquoted(result)).to.include('exec: "criu": executable file not found in $PATH');
    expect(stateOf(fixture()).status).to.equal('running');
  });
});

/** A record of the text log, whose message stands in quotes. */
function unquoted({ stderr }: { stderr: string }): string {
  return stderr.replaceAll('\\"', '"');
}

function mountsImage(directory: string): string {
  const images = fs.readdirSync(path.join(directory, 'images'));
  return images.find((name) => name.startsWith('mountpoints-')) ?? '';
}

function count({ rootfs }: Fixture): number {
  const file = path.join(rootfs, 'count');
  return fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
}

function stateOf({ bundle, id }: Fixture): { status: string; pid: number; id: string } {
  return JSON.parse(bundle.run(['state', id]).stdout) as {
    status: string;
    pid: number;
    id: string;
  };
}
