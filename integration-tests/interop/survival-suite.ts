/** Daemons are killed and started again; the container and its exit status are found again by whoever is left. */
import { expect } from 'chai';
import { run, runOk } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';
import type { ContainerClient } from './container-client.ts';

/** `restarts` by daemon: each ends it with SIGKILL, starts it, and waits until it answers. */
export function describeSurvival(
  title: string,
  client: () => ContainerClient,
  restarts: Readonly<Record<string, () => Promise<void>>>,
): void {
  describe(`${title}, killed and started again`, function () {
    this.timeout(60_000);

    for (const [daemon, restart] of Object.entries(restarts)) {
      it(`finds a running container after SIGKILL of ${daemon}`, async () => {
        const name = `survivor-${daemon}-${process.pid}`;
        const script = "trap 'exit 5' TERM; while :; do sleep 0.05; done";
        await start(client(), name, ['sh', '-c', script]);
        await restart();
        expect(await client().state(name)).to.equal('running');
        const [file = '', ...args] = client().execCommand(name, {}, ['sh', '-c', 'exit 3']);
        await waitFor('an exec', async () => (await run(file, args)).status === 3);
        await client().kill(name, 'TERM');
        expect(await client().exitCode(name)).to.equal(5);
        await client().remove(name);
      });
    }

    it('keeps the exit status of a container that ended meanwhile', async () => {
      const [last] = Object.keys(restarts).slice(-1);
      const name = `ended-${process.pid}`;
      await start(client(), name, ['sh', '-c', 'sleep 0.5; exit 6']);
      await restarts[last ?? '']?.();
      expect(await client().exitCode(name)).to.equal(6);
      await client().remove(name);
    });
  });
}

async function start(client: ContainerClient, name: string, command: string[]): Promise<void> {
  const [file = '', ...args] = client.runCommand(name, { detached: true }, command);
  await runOk(file, args);
}
