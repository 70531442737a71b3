/** `--metrics-addr`: dockerd's metrics in Prometheus' text format, and what they count. */
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

const address = '127.0.0.1:19323';

describe('metrics', () => {
  let stack: Stack;
  let busybox: string;

  before(async function () {
    needRoot(this);
    needPeers(this, 'curl', 'docker');
    busybox = `${await devRegistry(this)}/busybox:latest`;
    stack = await Stack.start({ arguments: ['--metrics-addr', address] });
    await stack.engineOk('pull', '-q', busybox);
  });

  after(async () => {
    await stack.stop();
  });

  /** Samples by name with labels, of one scrape. */
  async function scrape(): Promise<Map<string, number>> {
    const { status, stdout } = await run('curl', ['-sSf', `http://${address}/metrics`]);
    expect(status).to.equal(0);
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => {
        const [, name, value] = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
        expect(name, line).to.be.a('string');
        return [name ?? '', Number(value)];
      }),
    );
  }

  it('has the names of dockerd, and counts what containers do', async () => {
    const before = await scrape();
    const started = 'engine_daemon_container_actions_seconds_count{action="start"}';
    const running = 'engine_daemon_container_states_containers{state="running"}';
    expect([before.get(started), before.get(running)]).to.deep.equal([1, 0]);
    expect(before.get('engine_daemon_engine_cpus_cpus')).to.be.above(0);
    expect(before.get('engine_daemon_image_actions_seconds_count{action="pull"}')).to.equal(1);
    expect(
      [...before.keys()].some((name) =>
        /^engine_daemon_engine_info\{.*graphdriver="overlayfs"/.test(name),
      ),
    ).to.equal(true);

    const begun = await stack.docker(
      ...['run', '-d', '--health-cmd', 'false', '--health-interval', '100ms', '--network', 'none'],
      ...[busybox, 'sleep', '1000'],
    );
    expect(begun.status, begun.stderr).to.equal(0);
    const id = begun.stdout.trim();
    await waitFor('a failed health check', async () => {
      const now = await scrape();
      return (now.get('engine_daemon_health_checks_failed_total') ?? 0) > 0;
    });
    const during = await scrape();
    expect([during.get(started), during.get(running)]).to.deep.equal([2, 1]);
    expect(during.get('engine_daemon_health_checks_total')).to.be.at.least(1);
    expect(during.get('engine_daemon_events_total')).to.be.above(
      before.get('engine_daemon_events_total') ?? 0,
    );
    await stack.engineOk('rm', '-f', id);
    const after = await scrape();
    expect(after.get(running)).to.equal(0);
    expect(after.get('engine_daemon_container_actions_seconds_count{action="delete"}')).to.equal(2);
  });

  it('are all that is served there, and an address that is taken is said at the start', async () => {
    expect(
      (await run('curl', ['-s', '-o', '/dev/null', '-w', '%{http_code}', `http://${address}/info`]))
        .stdout,
    ).to.equal('404');
    let message = '';
    await Stack.start({ arguments: ['--metrics-addr', address] }).catch((error: unknown) => {
      message = String(error);
    });
    expect(message).to.include(`failed to start metrics server: listen tcp ${address}`);
  });
});
