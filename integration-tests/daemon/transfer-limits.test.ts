/** `max-concurrent-downloads`, `max-concurrent-uploads` and `max-download-attempts`, by the real docker CLI. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { SlowRegistry } from './slow-registry.ts';

describe('limits of transfers', function () {
  this.timeout(120_000);
  let registry: SlowRegistry | undefined;
  let stack: Stack | undefined;

  beforeEach(async function () {
    needRoot(this);
    needPeers(this, 'docker');
    registry = await SlowRegistry.start();
  });

  afterEach(async () => {
    await stack?.stop();
    registry?.stop();
    stack = undefined;
  });

  async function pulled(
    ...args: string[]
  ): Promise<{ most: number; stack: Stack; slow: SlowRegistry }> {
    if (!registry) throw new Error('no registry');
    stack = await Stack.start({ arguments: args });
    const { status, stderr } = await stack.docker('pull', `${registry.address}/slow`);
    expect(status, stderr).to.equal(0);
    return { most: registry.most, stack, slow: registry };
  }

  it('are three downloads for a pull where nothing is said', async () => {
    expect((await pulled()).most).to.equal(3);
  });

  it('hold for downloads and uploads', async () => {
    const { most, stack, slow } = await pulled(
      ...['--max-concurrent-downloads', '1', '--max-concurrent-uploads', '2'],
    );
    expect(most).to.equal(1);
    slow.most = 0;
    const { status, stderr } = await stack.docker('push', `${slow.address}/slow`);
    expect(status, stderr).to.equal(0);
    expect(slow.most).to.equal(2);
  });

  it('are lifted by 0', async () => {
    expect((await pulled('--max-concurrent-downloads', '0')).most).to.equal(6);
  });

  it('change with the configuration, and count attempts', async () => {
    if (!registry) throw new Error('no registry');
    const folder = fs.mkdtempSync(path.join('/tmp', 'limits-'));
    try {
      const file = path.join(folder, 'daemon.json');
      fs.writeFileSync(file, '{}');
      stack = await Stack.start({ arguments: ['--config-file', file] });
      const events = async (): Promise<string> =>
        (await stack?.docker('events', '--since', '1', '--until', '1s', '--filter', 'event=reload'))
          ?.stdout ?? '';
      fs.writeFileSync(
        file,
        JSON.stringify({ 'max-download-attempts': 2, 'max-concurrent-downloads': 2 }),
      );
      process.kill(stack.enginedPid, 'SIGHUP');
      await waitFor('the reload', async () => (await events()) !== '');
      registry.overloaded = true;
      const { status } = await stack.docker('pull', `${registry.address}/slow`);
      expect(status).to.equal(1);
      expect(Math.max(...registry.requests.values())).to.equal(2);
      registry.overloaded = false;
      expect((await stack.docker('pull', `${registry.address}/slow`)).status).to.equal(0);
      expect(registry.most).to.equal(2);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it('are refused in the words of docker where they make no sense', async () => {
    const wrong: [string, string, string][] = [
      ['--max-concurrent-downloads', '-1', 'invalid max concurrent downloads: -1'],
      ['--max-concurrent-uploads', '-1', 'invalid max concurrent uploads: -1'],
      ['--max-download-attempts', '0', 'invalid max download attempts: 0'],
    ];
    for (const [flag, value, words] of wrong) {
      const failure = await Stack.start({ arguments: [flag, value] }).catch(
        (error: unknown) => error,
      );
      expect(String(failure)).to.include(words);
    }
  });
});
