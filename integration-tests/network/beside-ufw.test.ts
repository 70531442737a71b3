/** ufw, Debian's own, active on a host of its own: before us, after us, and reloaded. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { run, runOk } from '../harness/command.ts';
import { HostNetwork } from '../harness/host-network.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

describe('networks beside ufw', function () {
  this.timeout(120_000);
  let host: HostNetwork;
  let stack: Stack | undefined;
  let image: string;
  let settings: string;

  /** With settings of its own in place of the machine's. */
  const ufw = async (...args: string[]): Promise<string> => {
    const script = 'mount --make-rprivate / && mount --bind "$0" /etc/ufw && exec ufw --force "$@"';
    const inside = ['netns', 'exec', host.name, 'unshare', '-m', 'sh', '-c', script, settings];
    return (await runOk('ip', [...inside, ...args])).stdout;
  };
  const inHost = async (...command: string[]): Promise<string> =>
    (await runOk('ip', ['netns', 'exec', host.name, ...command])).stdout.trim();
  const fromOutside = async (port: number): Promise<string> => {
    const url = `http://10.213.0.1:${port}/`;
    const curl = ['netns', 'exec', host.outsideName, 'curl', '-s', '-m', '2', url];
    return (await run('ip', curl)).stdout.trim();
  };
  const engine = (...args: string[]): Promise<string> => {
    if (!stack) throw new Error('no stack');
    return stack.engineOk(...args);
  };
  const reachesOutside = async (): Promise<boolean> =>
    (await stack?.engine('exec', 'web', 'ping', '-c1', '-W1', host.outsideAddress))?.status === 0;

  const startStack = async (): Promise<void> => {
    stack = await Stack.start({ netns: host.name });
    await engine('pull', '-q', image);
    const serve = 'mkdir /w; echo published >/w/index.html; exec httpd -f -h /w';
    await engine('run', '-d', '--name', 'web', '-p', '8080:80', image, 'sh', '-c', serve);
  };
  const expectWorking = async (when: string): Promise<void> => {
    await waitFor(`the outside world ${when}`, reachesOutside);
    await waitFor(
      `the published port ${when}`,
      async () => (await fromOutside(8080)) === 'published',
    );
  };

  beforeEach(async function () {
    needRoot(this);
    needPeers(this, 'ip', 'nft', 'iptables', 'ufw', 'curl', 'unshare');
    host = await HostNetwork.create();
    image = `${await host.startRegistry()}/busybox`;
    settings = fs.mkdtempSync(path.join(os.tmpdir(), 'ufw-'));
    fs.cpSync('/etc/ufw', settings, { recursive: true });
  });

  afterEach(async () => {
    await stack?.stop();
    stack = undefined;
    await host.remove();
    fs.rmSync(settings, { recursive: true, force: true });
  });

  it('work when it was there first, after its reload, and leave it as it was', async () => {
    await ufw('enable');
    expect(await inHost('iptables', '-S', 'FORWARD')).to.contain('-P FORWARD DROP');
    const before = await inHost('iptables', '-S');
    await startStack();
    await expectWorking('with ufw active');
    // What it forbids to whoever comes to the machine itself still holds.
    const ping = [
      'netns',
      'exec',
      host.outsideName,
      'curl',
      '-s',
      '-m',
      '1',
      'http://10.213.0.1:81/',
    ];
    expect((await run('ip', ping)).status).to.equal(28); // dropped, not refused
    await ufw('reload');
    await expectWorking('after a reload');
    await engine('rm', '-f', 'web');
    await stack?.stop();
    stack = undefined;
    expect(await inHost('iptables', '-S')).to.equal(before);
    await ufw('disable');
  });

  it('work on when it comes later, and when it goes', async () => {
    await startStack();
    await expectWorking('without ufw');
    await ufw('enable');
    expect(await inHost('iptables', '-S', 'FORWARD')).to.contain('-P FORWARD DROP');
    await expectWorking('after ufw was enabled');
    await ufw('disable');
    await expectWorking('after ufw was disabled');
    await engine('rm', '-f', 'web');
  });
});
