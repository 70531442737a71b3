/** A pull whose engined is killed: containerd-lite gives it up at once, and keeps nothing of it. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { ContainerdClient } from '#proto/containerd-client';
import { ApiClient } from '../engine-api/api-client.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('a pull whose engined is killed', function () {
  this.timeout(60_000);
  const stacks: Stack[] = [];
  let halting: http.Server;
  let reference: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker-registry');
    const [host = '', port] = (await devRegistry(this)).split(':');
    // Passes everything on but the second half of large blobs, which never comes.
    halting = http.createServer(({ method, url, headers }, response) => {
      const forward = { host, port, method, path: url, headers };
      http
        .request(forward, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          const size = Number(answer.headers['content-length'] ?? 0);
          if (size < 10_000_000) answer.pipe(response);
          else answer.once('data', (bytes: Buffer) => response.write(bytes));
        })
        .end();
    });
    await new Promise<void>((resolve) => halting.listen(0, '127.0.0.1', resolve));
    const { port: own } = halting.address() as AddressInfo; // it listens on TCP
    reference = `127.0.0.1:${own}/debian:latest`;
  });
  after(async () => {
    for (const stack of stacks) await stack.stop();
    halting.closeAllConnections();
    halting.close();
  });

  it('is given up and leaves nothing', async () => {
    const stack = await Stack.start();
    stacks.push(stack);
    const socket = path.join(stack.root, 'run/containerd-lite/containerd-lite.sock');
    const client = new ContainerdClient(socket, { namespace: 'engine' });
    const stored = async () => {
      const { leases } = await client.leases.list({});
      const { statuses } = await client.content.listStatuses({});
      return { leases: leases.length, ingests: statuses.length };
    };
    try {
      const query = `/images/create?fromImage=${encodeURIComponent(reference)}`;
      const pulling = new ApiClient(stack.host).open('POST', query);
      pulling.catch(() => undefined); // it ends with its engine
      await waitFor('layers to arrive', async () => (await stored()).ingests > 0);
      await stack.endEngined('SIGKILL');
      await waitFor('the pull to end', async () => (await stored()).leases === 0);
      await waitFor('what it stored to go', async () => (await stored()).ingests === 0);
      await stack.startEngined();
      expect(await stack.engineOk('run', '--rm', 'hello')).to.contain('Hello');
    } finally {
      client.close();
    }
  });
});
