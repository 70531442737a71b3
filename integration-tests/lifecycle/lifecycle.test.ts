/** A container's life in the background, by our command line and by docker's. */
import { expect } from 'chai';
import { checked } from '../harness/command.ts';
import { clients } from '../harness/clients.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

for (const client of clients) {
  describe(`a container in the background, by ${client.name}`, () => {
    let stack: Stack;
    let busybox: string;
    const name = `life-${client.name}`;

    const { ok } = checked((...args) => client.run(stack, args));

    before(async function () {
      needRoot(this);
      client.need(this);
      busybox = `${await devRegistry(this)}/busybox`;
      stack = await sharedStack();
      await ok('pull', busybox);
    });

    afterEach(async () => {
      await client.run(stack, ['rm', '-f', name]);
    });

    it('is listed, logged, entered, stopped and removed', async () => {
      const script =
        'trap "echo bye; exit 3" TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done';
      const id = await ok('run', '-d', '--name', name, busybox, 'sh', '-c', script);
      expect(id).to.match(/^[0-9a-f]{64}$/);
      expect(await ok('ps', '--format', '{{.Names}} {{.Image}} {{.State}}')).to.contain(
        `${name} ${busybox} running`,
      );
      await waitFor('the first lines', async () => (await ok('logs', name)).includes('line 3'));
      expect(await ok('logs', '--tail', '1', name)).to.match(/^line \d+$/);
      expect(await ok('exec', name, 'sh', '-c', 'echo $$ inside')).to.match(/^\d+ inside$/);
      expect((await client.run(stack, ['exec', name, 'sh', '-c', 'exit 9'])).status).to.equal(9);
      expect(
        (await client.run(stack, ['exec', '-i', name, 'cat'], { input: 'in\n' })).stdout,
      ).to.equal('in\n');
      await ok('stop', name);
      expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name)).to.equal(
        'exited 3',
      );
      expect(await ok('logs', '--tail', '1', name)).to.equal('bye');
      expect(await ok('ps', '-a', '--filter', `name=${name}`, '--format', '{{.Status}}')).to.match(
        /^Exited \(3\)/,
      );
      await ok('rm', name);
      expect((await client.run(stack, ['inspect', name])).status).to.equal(1);
    });

    it('is followed by logs -f to its end', async () => {
      await ok(
        'run',
        '-d',
        '--name',
        name,
        busybox,
        'sh',
        '-c',
        'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done',
      );
      expect(await ok('logs', '-f', name)).to.equal('1\n2\n3\n4\n5');
    });

    it('starts again with its files', async () => {
      await ok('run', '--name', name, busybox, 'sh', '-c', 'echo x >> /f; wc -l < /f');
      expect(await ok('start', '-a', name)).to.equal('2');
    });

    it('is killed with the signal asked for', async () => {
      await ok('run', '-d', '--name', name, busybox, 'sleep', '100');
      await ok('kill', '-s', 'KILL', name);
      expect(await ok('wait', name)).to.equal('137');
    });

    it('disappears by itself with --rm', async () => {
      await ok('run', '-d', '--rm', '--name', name, busybox, 'true');
      await waitFor(
        'its removal',
        async () => (await client.run(stack, ['inspect', name])).status === 1,
      );
    });
  });
}
