/** How shims are started by every containerd from 1.6 to 2.3, and how containers share one. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { packAny } from '#proto/any';
import { GrpcChannel } from '#proto/client';
import { BootstrapParams, BootstrapResult } from '#proto/generated/containerd.runtime.bootstrap.v1';
import { Options } from '#proto/generated/containerd.runc.v1';
import { TaskService as TaskServiceV2 } from '#proto/generated/containerd.task.v2';
import { TaskService as TaskServiceV3 } from '#proto/generated/containerd.task.v3';
import { Any } from '#proto/generated/google.protobuf';
import { TtrpcClient } from '#proto/ttrpc-client';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from './real-containerd.ts';

describe('containerd-shim-lite-v2 start', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shim-start-'));
  before(function () {
    needRoot(this);
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  const start = (id: string, input: Buffer, annotations: Record<string, string> = {}) => {
    const bundle = path.join(folder, id);
    fs.mkdirSync(bundle);
    fs.writeFileSync(path.join(bundle, 'config.json'), JSON.stringify({ annotations }));
    const flags = ['-namespace', 'ns', '-address', `${folder}/c.sock`, '-publish-binary', 'none'];
    const shim = executablePath('containerd-shim-lite-v2');
    const { status, stdout, stderr } = spawnSync(shim, [...flags, '-id', id, 'start'], {
      cwd: bundle,
      input,
    });
    return { status, answer: stdout, stdout: stdout.toString(), stderr: stderr.toString(), bundle };
  };
  const options = packAny(Options, { binaryName: 'runc' });
  const params = (id: string, socketDir?: string) =>
    BootstrapParams.encode({
      instanceId: id,
      namespace: 'ns',
      logLevel: 'LOG_LEVEL_DEBUG',
      containerdGrpcAddress: `${folder}/c.sock`,
      extensions: [{ value: options }],
      ...(socketDir && { socketDir }),
    });
  /** Asks for both versions of the service, and ends the shim. */
  const useAndEnd = async (address: string) => {
    const client = new TtrpcClient(address, { namespace: 'ns' });
    const pids = [TaskServiceV2, TaskServiceV3].map(async (service) => {
      const { shimPid } = await client.clientOf(service).connect({ id: 'x' });
      return shimPid;
    });
    const [first, second] = await Promise.all(pids);
    expect(first).to.equal(second);
    await client.clientOf(TaskServiceV3).shutdown({ id: 'x' });
    await client.closed;
    expect(fs.existsSync(address.replace('unix://', ''))).to.be.false;
  };

  it('answers with a bare address where stdin holds options, or nothing', async () => {
    for (const [id, input] of [
      ['empty', Buffer.alloc(0)],
      ['options', Any.encode(options)],
    ] as const) {
      const { stdout } = start(id, input);
      expect(stdout).to.match(/^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/);
      await useAndEnd(stdout);
    }
  });

  it('answers with version 3 to the parameters of containerd 2.3', async () => {
    const { answer } = start('params', params('params'));
    const { version, address, protocol } = BootstrapResult.decode(answer);
    expect({ version, protocol }).to.deep.equal({ version: 3, protocol: 'ttrpc' });
    await useAndEnd(address);
  });

  it('listens in the folder that containerd has chosen', async () => {
    const { answer } = start('chosen', params('chosen', `${folder}/sockets`));
    const { address } = BootstrapResult.decode(answer);
    expect(path.dirname(address)).to.equal(`unix://${folder}/sockets`);
    expect(fs.statSync(`${folder}/sockets`).mode & 0o777).to.equal(0o700);
    await useAndEnd(address);
  });

  it('speaks gRPC where the container asks for it', async () => {
    const annotations = { 'io.containerd.lite.v2.protocol': 'grpc' };
    const { stdout } = start('grpc', Buffer.alloc(0), annotations);
    const { version, address, protocol } = JSON.parse(stdout) as Record<string, unknown>;
    expect({ version, protocol }).to.deep.equal({ version: 3, protocol: 'grpc' });
    const channel = new GrpcChannel(String(address), { namespace: 'ns' });
    const task = channel.clientOf(TaskServiceV3);
    const { shimPid } = await task.connect({ id: 'x' });
    const error: unknown = await task.state({ id: 'x' }).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('kind', 'not_found');
    await task.shutdown({ id: 'x' });
    channel.close();
    await waitFor('the end of the shim', () => !fs.existsSync(`/proc/${shimPid}`));
  });

  it('refuses what it cannot do, and leaves nothing behind', () => {
    const unknown = { 'io.containerd.lite.v2.protocol': 'smoke' };
    const refused = start('smoke', Buffer.alloc(0), unknown);
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.include('is "smoke": want ttrpc or grpc');
    const noGroup = Any.encode(packAny(Options, { shimCgroup: '/no/such/group' }));
    const withoutGroup = start('nogroup', noGroup);
    expect(withoutGroup.stderr).to.include('failed to load cgroup /no/such/group');
    expect(fs.existsSync(`${withoutGroup.bundle}/address`)).to.be.false;
  });
});

describe('containers of a group', function () {
  let containerd: RealContainerd;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'runc', 'busybox');
    containerd = new RealContainerd();
    await containerd.start();
  });
  this.afterAll(async () => containerd.stop());

  it('share a shim, which ends with the last of them', async () => {
    const { tasks } = containerd.client;
    const annotations = { 'io.kubernetes.cri.sandbox-id': 'g1' };
    const run = async (id: string, command: string) => {
      const made = await containerd.create(id, { args: ['sh', '-c', command], annotations });
      await tasks.start({ containerId: id });
      return made;
    };
    await run('g1', 'sleep 60');
    await run('g2', 'sleep 60');
    const shim = containerd.shimPid('g1');
    expect(containerd.shimPid('g2')).to.equal(shim);

    await containerd.remove('g1');
    expect((await tasks.get({ containerId: 'g2' })).process?.status).to.equal('RUNNING');
    const third = await run('g3', 'echo third; exit 3');
    expect((await tasks.wait({ containerId: 'g3' })).exitStatus).to.equal(3);
    process.kill(shim, 'SIGUSR2'); // its first bundle is gone, and with it the folder it was started in
    await containerd.remove('g3');
    await third.stdio.ended;
    expect(third.stdio.stdout).to.equal('third\n');
    await containerd.end('SIGKILL');
    await containerd.start();
    expect((await tasks.get({ containerId: 'g2' })).process?.status).to.equal('RUNNING');
    expect(containerd.shimPid('g2')).to.equal(shim);

    expect((await containerd.remove('g2')).exitStatus).to.equal(137);
    await waitFor('the end of the shim', () => !fs.existsSync(`/proc/${shim}`));
  });
});

describe('a shim built on containerd 2.3 under containerd-lite', function () {
  let containerd: RealContainerd;
  let shim: string;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'runc', 'busybox');
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'shim-new-'));
    shim = path.join(folder, 'containerd-shim-new-v2');
    containerd = new RealContainerd({ daemon: 'containerd-lite', runtime: shim });
    await containerd.start();
  });
  this.afterAll(async () => {
    await containerd.stop();
    fs.rmSync(path.dirname(shim), { recursive: true });
  });

  it('gets the parameters that it insists on, and answers with a result', async () => {
    // As pkg/shim of containerd 2.3 does: stdin must hold parameters for this id, or nothing is done.
    const ours = executablePath('containerd-shim-lite-v2');
    const script = `#!/bin/sh
for verb; do :; done
[ $verb = start ] || exec ${ours} "$@"
cat >${shim}.stdin
echo $(wc -c <${shim}.stdin) >>${shim}.starts
if ! grep -q '/c.sock.ttrpc' ${shim}.stdin; then
  echo 'shim was started through the deprecated API but was built against the new API; if you upgraded containerd, you may need to restart the daemon' >&2
  exit 1
fi
exec ${ours} "$@" <${shim}.stdin
`;
    fs.writeFileSync(shim, script, { mode: 0o755 });
    const { tasks } = containerd.client;
    for (const [id, starts] of [
      ['first', 2],
      ['second', 3], // asked once, remembered
    ] as const) {
      const { stdio } = await containerd.create(id, { args: ['echo', id] });
      await tasks.start({ containerId: id });
      expect((await tasks.wait({ containerId: id })).exitStatus).to.equal(0);
      await containerd.remove(id);
      await stdio.ended;
      expect(stdio.stdout).to.equal(`${id}\n`);
      expect(fs.readFileSync(`${shim}.starts`, 'utf8').split('\n')).to.have.length(starts + 1);
      const sent = BootstrapParams.decode(fs.readFileSync(`${shim}.stdin`));
      expect(sent).to.include({ instanceId: id, namespace: containerd.namespace });
      expect(sent.extensions.map(({ value }) => value?.typeUrl)).to.deep.equal([
        'containerd.runc.v1.Options',
      ]);
    }
  });
});

describe('a shim that speaks gRPC under containerd-lite', function () {
  let containerd: RealContainerd;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'runc', 'busybox');
    containerd = new RealContainerd({ daemon: 'containerd-lite' });
    await containerd.start();
  });
  this.afterAll(async () => containerd.stop());

  it('runs a container, and is found again', async () => {
    const { tasks } = containerd.client;
    const { stdio } = await containerd.create('g', {
      args: ['sh', '-c', 'echo hi; read line; exit 6'],
      stdin: true,
      annotations: { 'io.containerd.lite.v2.protocol': 'grpc' },
    });
    await tasks.start({ containerId: 'g' });
    await containerd.end('SIGKILL');
    await containerd.start();
    stdio.write('on\n');
    expect((await tasks.wait({ containerId: 'g' })).exitStatus).to.equal(6);
    await containerd.remove('g');
    await stdio.ended;
    stdio.closeInput();
    expect(stdio.stdout).to.equal('hi\n');
  });
});
