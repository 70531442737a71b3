import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { unpackAny } from '#proto/any';
import { TaskOOM, TaskStart } from '#proto/generated/containerd.events';
import { EventsService } from '#proto/generated/containerd.services.events.ttrpc.v1';
import { Any } from '#proto/generated/google.protobuf';
import { TtrpcServer } from '#proto/ttrpc-server';
import { EventPublisher, type Destination } from '../src/event-publisher.ts';
import { Reaper } from '../src/reaper.ts';

describe('EventPublisher', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'event-publisher-'));
  // Made here and not above: it takes every child of this process, those of other tests among them.
  let reaper: Reaper;
  before(() => {
    reaper = new Reaper(() => undefined);
    reaper.start();
  });
  const log = { debug: () => undefined, warn: () => undefined, error: () => undefined };
  after(() => {
    process.removeAllListeners('SIGCHLD');
    fs.rmSync(folder, { recursive: true });
  });

  function publisher(destination: Partial<Destination>): EventPublisher {
    const nowhere = { ttrpcAddress: '', address: '/c.sock', publishBinary: '', namespace: 'ns' };
    return new EventPublisher({ ...nowhere, ...destination }, reaper, log);
  }

  it('delivers in order, also what happened while nobody listened', async () => {
    const socket = path.join(folder, 'ttrpc');
    const events = publisher({ ttrpcAddress: socket });
    events.publish('/tasks/start', TaskStart, { containerId: 'c', pid: 1 });
    events.publish('/tasks/oom', TaskOOM, { containerId: 'c' });
    await new Promise((resolve) => setTimeout(resolve, 50)); // the first attempt fails
    const topics: string[] = [];
    const server = new TtrpcServer({ reportBug: () => undefined });
    server.serve(EventsService, {
      forward: async ({ envelope }) => {
        topics.push(`${envelope?.namespace ?? ''} ${envelope?.topic ?? ''}`);
        return {};
      },
    });
    await server.listen({ path: socket });
    await events.flush(5000);
    server.close();
    expect(topics).to.deep.equal(['ns /tasks/start', 'ns /tasks/oom']);
  });

  it('runs the publish binary where there is no ttrpc', async () => {
    const binary = path.join(folder, 'publish');
    fs.writeFileSync(binary, `#!/bin/sh\necho "$@" >${folder}/args\ncat >${folder}/stdin\n`, {
      mode: 0o755,
    });
    const events = publisher({ publishBinary: binary });
    events.publish('/tasks/oom', TaskOOM, { containerId: 'c' });
    await events.flush(5000);
    expect(fs.readFileSync(`${folder}/args`, 'utf8')).to.equal(
      '--address /c.sock publish --topic /tasks/oom --namespace ns\n',
    );
    const event = Any.decode(fs.readFileSync(`${folder}/stdin`));
    expect(unpackAny(TaskOOM, event)).to.deep.equal({ containerId: 'c' });
  });

  it('does not keep the caller longer than it wants to wait', async () => {
    const events = publisher({ ttrpcAddress: path.join(folder, 'nobody') });
    events.publish('/tasks/oom', TaskOOM, { containerId: 'c' });
    const started = performance.now();
    await events.flush(30);
    expect(performance.now() - started).to.be.lessThan(1000);
  });
});
