/** engined's configuration: flags and daemon.json together, reload by SIGHUP, and one engine per root. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { ApiClient } from '../engine-api/api-client.ts';
import { run } from '../harness/command.ts';
import { needRoot } from '../harness/peers.ts';
import { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

interface Info {
  Labels: string[];
  Debug: boolean;
  DefaultRuntime: string;
  Runtimes: Record<string, unknown>;
  RegistryConfig: { Mirrors: string[]; InsecureRegistryCIDRs: string[] };
}

describe('the configuration of engined', () => {
  let folder: string;
  let file: string;
  let stack: Stack;
  let api: ApiClient;

  before(async function () {
    needRoot(this);
    folder = fs.mkdtempSync('/tmp/configuration-');
    file = path.join(folder, 'daemon.json');
    configure({ labels: ['tier=test'], 'registry-mirrors': ['http://127.0.0.1:1'] });
    stack = await Stack.start({ arguments: ['--config-file', file] });
    api = new ApiClient(stack.host);
  });

  after(async () => {
    await stack.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  function configure(content: unknown): void {
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }

  async function info(): Promise<Info> {
    return (await api.call('GET', '/info')).body as Info;
  }

  const log = (): string => fs.readFileSync(stack.logFile, 'utf8');

  /** Sends SIGHUP and returns what the log says once `expected` stands there. */
  async function reload(expected: string): Promise<string> {
    const before = log().length;
    process.kill(stack.enginedPid, 'SIGHUP');
    await waitFor(`"${expected}" in the log`, async () => log().slice(before).includes(expected));
    return log().slice(before);
  }

  it('begins with what the file says', async () => {
    expect((await info()).Labels).to.deep.equal(['tier=test']);
    expect((await info()).RegistryConfig.Mirrors).to.deep.equal(['http://127.0.0.1:1']);
  });

  it('takes what SIGHUP can change, and says so as an event', async () => {
    const since = Date.now() / 1000 - 1;
    configure({
      labels: ['tier=other', 'x'],
      'insecure-registries': ['10.9.0.0/16'],
      runtimes: { second: { path: executablePath('runtime') } },
      'default-runtime': 'second',
      mtu: 1234,
    });
    const said = await reload('reloaded configuration');
    expect(said).to.match(/wait for the next start.*"mtu"/);
    const now = await info();
    expect(now.Labels).to.deep.equal(['tier=other', 'x']);
    expect(now.DefaultRuntime).to.equal('second');
    expect(now.Runtimes).to.have.property('second');
    expect(now.RegistryConfig.InsecureRegistryCIDRs).to.include('10.9.0.0/16');
    expect(now.RegistryConfig.Mirrors).to.deep.equal(['http://127.0.0.1:1']);
    const query = `since=${since}&until=${Date.now() / 1000}&filters={"type":["daemon"]}`;
    const { body } = await api.call('GET', `/v1.47/events?${query}`);
    const event = (typeof body === 'string' ? (JSON.parse(body) as unknown) : body) as {
      Action: string;
      Actor: { Attributes: Record<string, string> };
    };
    expect(event.Action).to.equal('reload');
    expect(event.Actor.Attributes).to.deep.include({
      labels: '["tier=other","x"]',
      'insecure-registries': '["10.9.0.0/16"]',
      'default-runtime': 'second',
      runtimes: `second:${executablePath('runtime')}`,
      'live-restore': 'true',
    });
  });

  it('keeps everything as it was when the file cannot be used', async () => {
    const before = await info();
    const bad: [unknown, string][] = [
      ['{"labels": [', 'invalid JSON'],
      [{ labels: ['fine'], colour: 'red' }, "don't match any configuration option: colour"],
      [{ labels: ['fine'], 'default-runtime': 'none-such' }, "'none-such' does not exist"],
      [{ labels: ['fine'], 'live-restore': false }, 'live-restore cannot be turned off'],
      [{ bridge: 'other' }, 'specified both as a flag and in the configuration file: bridge'],
    ];
    for (const [content, reason] of bad) {
      configure(content);
      const said = await reload('error reloading configuration');
      expect(said).to.include(reason);
    }
    const after = await info();
    expect([after.Labels, after.DefaultRuntime]).to.deep.equal([
      before.Labels,
      before.DefaultRuntime,
    ]);
  });

  it('refuses a second engine on the same root, whatever it is called', async () => {
    const { status, stderr } = await run(executablePath('engined'), [
      ...['-H', `unix://${folder}/second.sock`, '--data-root', path.join(stack.root, 'data')],
      ...['--exec-root', path.join(folder, 'run'), '--config-file', '/dev/null'],
    ]);
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /failed to start daemon, ensure engined is not running or delete .*: process with PID \d+ is still running/,
    );
    expect(stderr).to.include(`PID ${stack.enginedPid} `);
    expect(fs.existsSync(path.join(folder, 'second.sock'))).to.equal(false);
  });

  it('validates without starting anything', async () => {
    configure({ debug: true });
    const engined = executablePath('engined');
    const good = await run(engined, ['--validate', '--config-file', file]);
    expect([good.status, good.stdout]).to.deep.equal([0, 'configuration OK\n']);
    configure({ debug: true, colour: 1 });
    const bad = await run(engined, ['--validate', '--config-file', file]);
    expect(bad.status).to.equal(1);
    expect(bad.stderr).to.include(
      `unable to configure the engine with file ${file}: the following directives don't match any configuration option: colour`,
    );
  });
});
