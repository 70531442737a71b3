/** testcontainers for Node on our socket: containers that tests of others start and wait for. */
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';

const program = path.join(import.meta.dirname, 'testcontainers-program.ts');

describe('testcontainers', () => {
  it('starts containers, waits for them in every way it knows, and stops them', async function () {
    this.timeout(180_000);
    needRoot(this);
    const image = `${await devRegistry(this)}/busybox`;
    const stack = await sharedStack();
    await stack.engineOk('pull', '-q', image);
    const before = await stack.engineOk('ps', '-aq');
    // Its reaper is an image from Docker Hub; without it whoever starts containers stops them, as the program does.
    const { stdout, stderr, status } = await run(process.execPath, [program], {
      env: { DOCKER_HOST: stack.host, IMAGE: image, TESTCONTAINERS_RYUK_DISABLED: 'true' },
      timeoutMs: 150_000,
    });
    expect(status, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({
      page: 'hello from inside\n',
      exec: [3, true, true],
      label: 'trial',
      ports: ['hello from inside\n', 'hello from inside\n'],
      name: 'hello from inside\n',
      oneShot: 'done\n',
      restarted: 'hello from inside\n',
      archive: true,
      failure: 'Log stream ended and message "never" was not received',
    });
    for (const id of (await stack.engineOk('ps', '-aq')).split('\n')) {
      if (id !== '' && !before.includes(id)) await stack.engineOk('rm', '-fv', id); // the one that failed
    }
  });
});
