import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { silentLogger } from '#lib/log/logger';
import { packAny } from '#proto/any';
import type { Envelope } from '#proto/generated/containerd.types';
import { Empty } from '#proto/generated/google.protobuf';
import { StackError } from '#spec/errors';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import { decodeHostConfig } from '../../src/api/host-config.ts';
import { Container, initialState } from '../../src/daemon/container.ts';
import type { Engine } from '../../src/daemon/engine.ts';
import { EventLog } from '../../src/daemon/event-log.ts';
import { checkExec } from '../../src/daemon/exec.ts';
import { ExecStore, type Exec } from '../../src/daemon/exec-store.ts';
import { enginePaths } from '../../src/daemon/paths.ts';
import { watchTasks } from '../../src/daemon/task-events.ts';

const containerId = 'f'.repeat(64);
let folder: string;
let logs = 0;

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'task-events-'));
});

after(() => fs.rmSync(folder, { recursive: true }));

/** A containerd with one exec, whose events come to whoever is subscribed at that moment, and to nobody else. */
class FakeContainerd {
  exec: { status: string; exitStatus: number } | 'gone' = { status: 'RUNNING', exitStatus: 0 };
  readonly deleted: string[] = [];
  subscriptions = 0;
  #fail: ((error: Error) => void) | undefined;
  #deliver: ((envelope: Envelope) => void) | undefined;

  readonly client = {
    events: {
      subscribe: () => this.#subscribe(),
      publish: ({ topic }: { topic: string }) => {
        const event = packAny(Empty, {});
        this.#deliver?.({ namespace: 'engine', topic, event });
        return Promise.resolve({});
      },
    },
    tasks: {
      list: () => Promise.resolve({ tasks: [] }),
      get: () =>
        this.exec === 'gone'
          ? Promise.reject(new StackError('not_found', 'process e1: not found'))
          : Promise.resolve({ process: this.exec }),
      deleteProcess: ({ execId }: { execId: string }) => {
        this.deleted.push(execId);
        return Promise.resolve({});
      },
    },
    containers: { list: () => Promise.resolve({ containers: [] }) },
    leases: { list: () => Promise.resolve({ leases: [] }) },
  };

  loseSubscription(): void {
    this.#fail?.(new StackError('unavailable', 'containerd is gone'));
  }

  async *#subscribe(): AsyncGenerator<Envelope> {
    this.subscriptions++;
    while (true) {
      yield await new Promise<Envelope>((resolve, reject) => {
        this.#deliver = resolve;
        this.#fail = reject;
      });
    }
  }
}

function engineOn(containerd: FakeContainerd): { engine: Engine; exec: Exec } {
  const container = new Container({
    id: containerId,
    name: 'web',
    createdAt: '2026-01-01T00:00:00Z',
    config: decodeContainerConfig({ Image: 'busybox' }, ''),
    hostConfig: decodeHostConfig({}, ''),
    mounts: [],
    networks: [],
    imageId: 'sha256:1',
    imageName: 'docker.io/library/busybox:latest',
    snapshotter: 'overlayfs',
    snapshotKey: 'k',
    runtime: { name: 'io.containerd.runc.v2', binaryName: 'runc' },
    state: { ...initialState, status: 'running', pid: 4 },
    restartCount: 0,
    manuallyStopped: false,
  });
  const execs = new ExecStore();
  const exec = execs.add('e1', containerId, {
    ...{ attachStdin: false, attachStdout: false, attachStderr: false, tty: false },
    ...{ privileged: false, user: '', env: [], command: ['true'], workingDir: '' },
    ...{ detachKeys: '', consoleSize: undefined },
  });
  exec.state = 'running';
  exec.pid = 5;
  const log = (): void => undefined;
  const engine = {
    client: containerd.client,
    containers: { list: () => [], find: () => container },
    execs,
    events: new EventLog(path.join(folder, `events${logs++}.log`), silentLogger),
    paths: enginePaths('/nonexistent/data', '/nonexistent/run'),
    logger: { debug: log, info: log, warn: log, error: log },
  } as unknown as Engine; // the parts that are used here
  return { engine, exec };
}

const ended = (exec: Exec) => new Promise<void>((resolve) => exec.onExit.add(resolve));

describe('watchTasks', () => {
  it('asks for the end of execs that was reported while nobody was subscribed', async () => {
    const containerd = new FakeContainerd();
    const { engine, exec } = engineOn(containerd);
    const end = new AbortController();
    try {
      await watchTasks(engine, 'engine', end.signal);
      expect(exec.state).to.equal('running');
      containerd.exec = { status: 'STOPPED', exitStatus: 4 }; // and no event
      containerd.loseSubscription();
      await ended(exec);
      expect(exec).to.include({ state: 'exited', exitCode: 4 });
      expect(containerd.subscriptions).to.equal(2);
      await new Promise((resolve) => setImmediate(resolve));
      expect(containerd.deleted).to.deep.equal(['e1']);
    } finally {
      end.abort();
      containerd.loseSubscription();
    }
  });
});

describe('checkExec', () => {
  it('leaves a running exec alone', async () => {
    const { engine, exec } = engineOn(new FakeContainerd());
    await checkExec(engine, exec);
    expect(exec.state).to.equal('running');
  });

  it('ends an exec once, however often it is told', async () => {
    const containerd = new FakeContainerd();
    const { engine, exec } = engineOn(containerd);
    containerd.exec = { status: 'STOPPED', exitStatus: 3 };
    await Promise.all([checkExec(engine, exec), checkExec(engine, exec)]);
    expect(exec.exitCode).to.equal(3);
    expect(containerd.deleted).to.deep.equal(['e1']);
    const past = engine.events.read(0n, undefined, AbortSignal.timeout(50));
    const actions: string[] = [];
    for await (const batch of past) actions.push(...batch.map(({ action }) => action));
    const died = actions.filter((action) => action === 'exec_die');
    expect(died).to.have.length(1);
  });

  it('takes an exec that is gone for the business of its container', async () => {
    const containerd = new FakeContainerd();
    const { engine, exec } = engineOn(containerd);
    containerd.exec = 'gone';
    await checkExec(engine, exec);
    expect(exec.state).to.equal('running');
  });
});
