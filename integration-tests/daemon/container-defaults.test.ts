/** What the daemon's configuration gives to containers that ask for nothing else, and that they may ask for something else. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const probe =
  'df -k /dev/shm | tail -1; ulimit -n; cat /proc/1/comm; grep NoNewPrivs /proc/self/status; mkdir /made || echo refused';

describe('defaults of containers', () => {
  let folder: string;
  let file: string;
  let stack: Stack;
  let busybox: string;

  const configuration = {
    'default-shm-size': '8M',
    'default-ulimits': { nofile: { Name: 'nofile', Soft: 300, Hard: 400 } },
    'default-ipc-mode': 'shareable',
    init: true,
    'no-new-privileges': true,
    'oom-score-adjust': 77,
    features: { 'containerd-snapshotter': true, buildkit: true },
  };

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    folder = fs.mkdtempSync('/tmp/container-defaults-');
    file = path.join(folder, 'daemon.json');
    const profile = path.join(folder, 'profile.json');
    const rule = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' };
    fs.writeFileSync(
      profile,
      JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] }),
    );
    fs.writeFileSync(file, JSON.stringify({ ...configuration, 'seccomp-profile': profile }));
    busybox = `${await devRegistry(this)}/busybox:latest`;
    stack = await Stack.start({ arguments: ['--config-file', file] });
    await stack.engineOk('pull', '-q', busybox);
  });

  after(async () => {
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  async function run(...options: string[]): Promise<string> {
    const { stdout } = await stack.docker(
      ...['run', '--rm', '--network', 'none', ...options, busybox, 'sh', '-c', probe],
    );
    return stdout.replaceAll(/\s+/g, ' ');
  }

  it('are what a container gets that asks for nothing', async () => {
    const said = await run();
    expect(said).to.match(/^shm 8192 .* 300 docker-init NoNewPrivs: 1 refused $/);
    const { stdout } = await stack.docker('create', '--network', 'none', busybox, 'true');
    const format = '{{.HostConfig.IpcMode}} {{.HostConfig.ShmSize}} {{json .HostConfig.Ulimits}}';
    const inspected = await stack.docker('inspect', '-f', format, stdout.trim());
    expect(inspected.stdout.trim()).to.match(/^shareable 8388608 \[\{.*"nofile".*\}\]$/);
    await stack.docker('rm', stdout.trim());
  });

  it('give way to what a container asks for', async () => {
    const said = await run(
      ...['--shm-size', '1m', '--ulimit', 'nofile=50:60', '--init=false', '--ipc', 'private'],
      ...['--security-opt', 'no-new-privileges=false', '--security-opt', 'seccomp=unconfined'],
    );
    expect(said).to.match(/^shm 1024 .* 50 sh NoNewPrivs: 0 $/);
    expect(await run('--privileged')).to.match(/NoNewPrivs: 1 $/);
  });

  it('are told by info, and the engine has the score that it was given', async () => {
    const { stdout } = await stack.docker(
      'info',
      '-f',
      '{{json .SecurityOptions}} {{json .Warnings}}',
    );
    expect(stdout).to.include('name=seccomp,profile=/tmp/container-defaults-');
    expect(stdout).to.include('name=no-new-privileges');
    expect(stdout).to.include('WARNING: daemon is not using the default seccomp profile');
    expect(fs.readFileSync(`/proc/${stack.enginedPid}/oom_score_adj`, 'utf8')).to.equal('77\n');
    const log = fs.readFileSync(stack.logFile, 'utf8');
    expect(log).to.match(/no such feature.*"buildkit"/);
    expect(log).to.not.match(/no such feature.*"containerd-snapshotter"/);
  });

  it('change by a reload where docker changes them', async () => {
    const before = fs.readFileSync(stack.logFile, 'utf8').length;
    fs.writeFileSync(
      file,
      JSON.stringify({ 'default-shm-size': 2 << 20, 'default-ipc-mode': 'private' }),
    );
    process.kill(stack.enginedPid, 'SIGHUP');
    await waitFor('the reload', () =>
      fs.readFileSync(stack.logFile, 'utf8').slice(before).includes('reloaded configuration'),
    );
    expect(await run()).to.match(/^shm 2048 .* 300 docker-init NoNewPrivs: 1 refused $/);
  });
});
