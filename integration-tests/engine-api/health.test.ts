/** Health checks, by docker's command line: what probes say, what becomes of it, and what survives the engine. */
import { expect } from 'chai';
import { checked, run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

interface Health {
  Status: string;
  FailingStreak: number;
  Log: { ExitCode: number; Output: string }[];
}

describe('health checks', () => {
  let stack: Stack;
  let busybox: string;
  const box = 'health-box';

  const docker = (...args: string[]) => run('docker', ['-H', stack.host, ...args]);
  const { ok } = checked(docker);
  const healthOf = async (): Promise<Health> =>
    JSON.parse(await ok('inspect', '-f', '{{json .State.Health}}', box)) as Health;
  const becomes = (status: string): Promise<unknown> =>
    waitFor(status, async () => (await healthOf()).Status === status, 30_000);
  const start = (check: string, ...options: string[]): Promise<string> =>
    ok(
      ...['run', '-d', '--name', box, '--health-cmd', check, '--health-interval', '200ms'],
      ...options,
      ...[busybox, 'sleep', '300'],
    );

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    await ok('pull', '-q', busybox);
  });

  afterEach(async () => {
    await docker('rm', '-f', box);
  });

  it('make a container healthy, unhealthy and healthy again', async () => {
    await start('echo looked; test ! -e /bad', '--health-retries', '2');
    await becomes('healthy');
    expect((await healthOf()).Log.at(-1)).to.deep.include({ ExitCode: 0, Output: 'looked\n' });
    expect(await ok('ps', '--format', '{{.Status}}', '-f', `name=${box}`)).to.contain('(healthy)');
    await ok('exec', box, 'touch', '/bad');
    await becomes('unhealthy');
    const { FailingStreak: streak, Log: log } = await healthOf();
    expect(streak).to.be.at.least(2);
    expect(log.length).to.be.at.most(5);
    expect(await ok('ps', '-q', '-f', 'health=unhealthy')).to.not.equal('');
    await ok('exec', box, 'rm', '/bad');
    await becomes('healthy');
    const until = String(Math.ceil(Date.now() / 1000)); // whole seconds only
    const events = await ok(
      ...['events', '--since', '60s', '--until', until, '-f', 'event=health_status'],
      ...['-f', `container=${box}`, '--format', '{{.Action}}'],
    );
    expect(events.split('\n').slice(0, 3)).to.deep.equal([
      'health_status: healthy',
      'health_status: unhealthy',
      'health_status: healthy',
    ]);
  });

  it('end a probe that takes too long', async () => {
    await start('echo so far; sleep 60', '--health-timeout', '300ms', '--health-retries', '1');
    await becomes('unhealthy');
    const last = (await healthOf()).Log.at(-1);
    expect(last?.ExitCode).to.equal(-1);
    expect(last?.Output).to.equal('Health check exceeded timeout (0.3s): so far\n');
    await waitFor('the probes to be gone', async () => {
      const { stdout } = await docker('top', box);
      return stdout.split('\n').filter((line) => line.includes('sleep 60')).length <= 1;
    });
  });

  it('do not count failures while the container starts', async () => {
    await start('false', '--health-retries', '1', '--health-start-period', '60s');
    await waitFor('some probes', async () => (await healthOf()).Log.length >= 3, 60_000);
    expect(await healthOf()).to.deep.include({ Status: 'starting', FailingStreak: 0 });
  });

  it('go on after the engine was killed', async () => {
    await start('test ! -e /bad', '--health-retries', '1');
    await becomes('healthy');
    await stack.endEngined('SIGKILL');
    await stack.startEngined();
    expect((await healthOf()).Status).to.equal('healthy');
    await ok('exec', box, 'touch', '/bad');
    await becomes('unhealthy');
  });

  it('are refused when they make no sense, and leave nothing of a container without one', async () => {
    const wrong = await docker(
      'create',
      '--health-cmd',
      'true',
      '--health-interval',
      '1us',
      busybox,
    );
    expect(wrong.stderr).to.contain('cannot be less than 1ms');
    await ok('run', '-d', '--name', box, '--no-healthcheck', busybox, 'sleep', '60');
    expect(await ok('inspect', '-f', '{{.State.Health}}', box)).to.match(/^<nil>$|no value/);
  });
});
