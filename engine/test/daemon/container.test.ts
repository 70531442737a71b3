import { expect } from 'chai';
import { decodeContainerConfig } from '../../src/api/container-config.ts';
import { decodeHostConfig } from '../../src/api/host-config.ts';
import { Container, initialState, type ContainerRecord } from '../../src/daemon/container.ts';
import { statusText } from '../../src/daemon/list-containers.ts';
import { shouldRestart } from '../../src/daemon/restart-policy.ts';
import { parseWaitCondition, waitForContainer } from '../../src/daemon/wait-container.ts';

function containerWith(
  state: Partial<ContainerRecord['state']>,
  hostConfig: unknown = {},
): Container {
  return new Container({
    id: 'f'.repeat(64),
    name: 'web',
    createdAt: '2026-01-01T00:00:00Z',
    config: decodeContainerConfig({ Image: 'busybox' }, ''),
    hostConfig: decodeHostConfig(hostConfig, ''),
    mounts: [],
    networks: [],
    imageId: 'sha256:1',
    imageName: 'docker.io/library/busybox:latest',
    snapshotter: 'overlayfs',
    snapshotKey: 'k',
    runtime: { name: 'io.containerd.runc.v2', binaryName: 'runc' },
    state: { ...initialState, ...state },
    restartCount: 0,
    manuallyStopped: false,
  });
}

const forever = new AbortController().signal;

describe('waitForContainer', () => {
  it('answers at once for not-running when nothing runs', async () => {
    const state = await waitForContainer(containerWith({ exitCode: 7 }), 'not-running', forever);
    expect(state.exitCode).to.equal(7);
  });

  it('waits for the exit of a running container, and next-exit even of a stopped one', async () => {
    for (const [status, condition] of [
      ['running', 'not-running'],
      ['created', 'next-exit'],
    ] as const) {
      const container = containerWith({ status });
      const wait = waitForContainer(container, condition, forever);
      container.record.state = { ...container.state, status: 'exited', exitCode: 3 };
      container.announceExit();
      expect((await wait).exitCode).to.equal(3);
    }
  });

  it('does not take an exit for a removal', async () => {
    const container = containerWith({ status: 'running' });
    let removed = false;
    const wait = waitForContainer(container, 'removed', forever).then(() => (removed = true));
    container.announceExit();
    await Promise.resolve();
    expect(removed).to.equal(false);
    container.announceRemoval();
    await wait;
  });

  it('ends when the client leaves', async () => {
    const client = new AbortController();
    const wait = waitForContainer(
      containerWith({ status: 'running' }),
      'not-running',
      client.signal,
    );
    client.abort(new Error('gone'));
    expect(await wait.catch((error: unknown) => String(error))).to.equal('Error: gone');
  });

  it('knows three conditions', () => {
    expect(parseWaitCondition('')).to.equal('not-running');
    expect(() => parseWaitCondition('soon')).to.throw('invalid condition: "soon"');
  });
});

describe('statusText', () => {
  const at = Date.parse('2026-01-01T01:30:00Z');

  it('speaks as docker does', () => {
    const startedAt = '2026-01-01T01:20:00Z';
    expect(statusText(containerWith({ status: 'running', startedAt }), at)).to.equal(
      'Up 10 minutes',
    );
    expect(statusText(containerWith({ status: 'paused', startedAt }), at)).to.equal(
      'Up 10 minutes (Paused)',
    );
    expect(
      statusText(
        containerWith({ status: 'exited', exitCode: 137, finishedAt: '2026-01-01T01:29:59Z' }),
        at,
      ),
    ).to.equal('Exited (137) 1 second ago');
    expect(statusText(containerWith({}), at)).to.equal('Created');
  });
});

describe('shouldRestart', () => {
  const policy = (Name: string, MaximumRetryCount = 0) => ({
    RestartPolicy: { Name, MaximumRetryCount },
  });

  it('follows the policy, the exit code, the count and the user', () => {
    expect(shouldRestart(containerWith({ exitCode: 1 }))).to.equal(false);
    expect(shouldRestart(containerWith({ exitCode: 0 }, policy('always')))).to.equal(true);
    expect(shouldRestart(containerWith({ exitCode: 0 }, policy('on-failure')))).to.equal(false);
    const failing = containerWith({ exitCode: 1 }, policy('on-failure', 2));
    expect(shouldRestart(failing)).to.equal(true);
    failing.record.restartCount = 2;
    expect(shouldRestart(failing)).to.equal(false);
    const stopped = containerWith({ exitCode: 0 }, policy('unless-stopped'));
    stopped.record.manuallyStopped = true;
    expect(shouldRestart(stopped)).to.equal(false);
  });
});
