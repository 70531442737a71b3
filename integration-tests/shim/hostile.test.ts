/** What the shim has to bear: clients that send noise or do not read, orphans by the thousand, want of memory. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { expect } from 'chai';
import { TaskService } from '#proto/generated/containerd.task.v2';
import { Request } from '#proto/generated/ttrpc';
import { TtrpcClient } from '#proto/ttrpc-client';
import { encodeFrame, frameTypes } from '#proto/ttrpc-frame';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from './real-containerd.ts';

describe('containerd-shim-lite-v2 and its surroundings', function () {
  let containerd: RealContainerd;

  this.beforeAll(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'runc', 'busybox');
    containerd = new RealContainerd();
    await containerd.start();
  });
  this.afterAll(async () => containerd.stop());

  it('ends the connection of a client that sends noise, or none', async () => {
    const { tasks } = containerd.client;
    await containerd.create('noise', { args: ['sleep', '60'] });
    await tasks.start({ containerId: 'noise' });
    const address = fs.readFileSync(`${containerd.bundle('noise')}/address`, 'utf8');
    const connect = async () => {
      const socket = net.connect(address.replace('unix://', ''));
      socket.on('error', () => undefined); // it may be ended
      await once(socket, 'connect');
      return socket;
    };
    const task = new TtrpcClient(address, { namespace: containerd.namespace });
    const state = async () => (await task.clientOf(TaskService).state({ id: 'noise' })).status;

    const noisy = await Promise.all(Array.from({ length: 50 }, connect));
    for (const socket of noisy) socket.write(randomBytes(10 + Math.random() * 5000));
    const endless = Buffer.alloc(14, 0xff); // the header of a frame of 4 GB
    for (const socket of noisy.slice(0, 10)) socket.write(endless);
    const halves = await Promise.all(Array.from({ length: 20 }, connect));
    const data = Request.encode({
      service: TaskService.serviceName,
      method: 'State',
      payload: TaskService.methods.state.request.encode({ id: 'noise' }),
    });
    const request = (streamId: number) =>
      encodeFrame({ streamId, type: frameTypes.request, flags: 0, data });
    for (const socket of halves) socket.write(request(1).subarray(0, 20));
    expect(await state()).to.equal('RUNNING');
    for (const socket of halves.slice(0, 10)) socket.destroy();

    const stalled = await connect(); // asks and asks, and reads no answer
    stalled.pause();
    for (let streamId = 1; streamId < 40_000; streamId += 2) stalled.write(request(streamId));
    expect(await state()).to.equal('RUNNING');
    const shim = containerd.shimPid('noise');
    const rss = Number(
      /^VmRSS:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${shim}/status`, 'utf8'))?.[1],
    );
    expect(rss).to.be.lessThan(150_000);

    for (const socket of [...noisy, ...halves, stalled]) socket.destroy();
    const { stdio } = await containerd.exec('noise', 'x', { args: ['echo', 'fine'] });
    await waitFor('the output', () => stdio.stdout === 'fine\n');
    task.close();
    expect((await containerd.remove('noise')).exitStatus).to.equal(137);
  });

  it('leaves no zombie of a thousand orphans in the pid namespace of the host', async () => {
    const { tasks } = containerd.client;
    const { pid, stdio } = await containerd.create('orphans', {
      args: ['sh', '-c', 'for i in $(seq 1000); do (true &); done; echo made; sleep 60'],
      hostPid: true,
    });
    await tasks.start({ containerId: 'orphans' });
    await waitFor('the orphans', () => stdio.stdout === 'made\n');
    const shim = containerd.shimPid('orphans');
    await waitFor('the end of all zombies', () => zombiesOf(shim).length === 0);
    const { processes } = await tasks.listPids({ containerId: 'orphans' });
    expect(processes.map((process) => process.pid)).to.deep.equal([pid]);
    expect((await containerd.remove('orphans')).exitStatus).to.equal(137);
  });

  it('reports a kill for want of memory while the container lives on', async () => {
    const { tasks } = containerd.client;
    const big = 'dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null';
    const { stdio } = await containerd.create('greedy', {
      args: ['sh', '-c', `${big}; echo survived; read line; exit 0`],
      memoryLimitBytes: 16 * 1024 * 1024,
      stdin: true,
    });
    await tasks.start({ containerId: 'greedy' });
    await waitFor('the kill', () => stdio.stdout === 'survived\n');
    await waitFor('the event', () => containerd.topics('greedy').includes('/tasks/oom'));
    expect((await tasks.get({ containerId: 'greedy' })).process?.status).to.equal('RUNNING');
    stdio.write('end\n');
    expect((await tasks.wait({ containerId: 'greedy' })).exitStatus).to.equal(0);
    await containerd.remove('greedy');
    stdio.closeInput();
    await waitFor('the last event', () => containerd.topics('greedy').includes('/tasks/delete'));
    const kills = containerd.topics('greedy').filter((topic) => topic === '/tasks/oom');
    expect(kills).to.have.length(1);
  });
});

function zombiesOf(parent: number): string[] {
  const children = fs.readdirSync(`/proc/${parent}/task`).flatMap((thread) => {
    const text = fs.readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8');
    return text.split(' ').filter((pid) => pid !== '');
  });
  return children.filter((pid) => {
    try {
      return /^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
    } catch {
      return false; // it was reaped meanwhile
    }
  });
}
