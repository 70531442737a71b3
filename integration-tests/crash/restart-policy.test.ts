/** A container whose restart comes due while containerd is away: it comes back when containerd does. */
import fs from 'node:fs';
import { expect } from 'chai';
import { ContainerdLite } from '../containerd/containerd-lite.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('a restart that comes due while containerd is away', function () {
  this.timeout(120_000);
  const containerd = new ContainerdLite();
  let stack: Stack | undefined;
  let engined: Stack;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    const image = `${await devRegistry(this)}/busybox`;
    await containerd.start();
    engined = stack = await Stack.start({ arguments: ['--containerd', containerd.address] });
    await engined.engineOk('pull', '-q', image);
    const script = 'echo begun; sleep 0.1; exit 3';
    const run = ['run', '-d', '--name', 'again', '--restart', 'always', image, 'sh', '-c', script];
    await engined.engineOk(...run);
  });

  after(async () => {
    await stack?.stop();
    await containerd.remove();
  });

  const inspect = (format: string) => engined.engineOk('inspect', '-f', format, 'again');
  const begun = async () => (await engined.engineOk('logs', 'again')).split('\n').length;

  it('is made when it is back', async () => {
    // By then a second or more passes before each start.
    await waitFor('some restarts', async () => Number(await inspect('{{.RestartCount}}')) >= 4);
    await waitFor('a delay', async () => (await inspect('{{.State.Status}}')) === 'restarting');
    await containerd.end('SIGKILL');
    const before = await begun();
    await waitFor(
      'a restart that finds nobody',
      () => fs.readFileSync(engined.logFile, 'utf8').includes('restart is tried again'),
      30_000,
    );
    expect(await inspect('{{.State.Status}}')).to.equal('restarting');
    await containerd.start();
    await waitFor('it to begin again', async () => (await begun()) > before, 30_000);
    await waitFor('its end', async () => (await inspect('{{.State.ExitCode}}')) === '3');
  });
});
