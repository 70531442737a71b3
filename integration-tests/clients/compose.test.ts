/** Debian's docker-compose on our socket: an application of three services goes up, is scaled, tells and goes down. */
import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

/** db is healthy when it has written; api waits for that; web asks api by name. */
const application = (image: string): string => `
version: "2.4"
services:
  db:
    image: ${image}
    command: sh -c "echo kept >> /data/f; touch /ready; sleep 600"
    volumes: ["data:/data"]
    networks: [back]
    healthcheck: {test: ["CMD", "test", "-e", "/ready"], interval: 500ms, retries: 60}
  api:
    image: ${image}
    command: sh -c "mkdir /w; echo answer of api > /w/index.html; exec httpd -f -h /w"
    depends_on: {db: {condition: service_healthy}}
    networks: [back, front]
  web:
    image: ${image}
    command: sh -c "until wget -qO- http://api/; do sleep 0.2; done; sleep 600"
    depends_on: [api]
    networks: [front]
    ports: ["80"]
volumes: {data: {}}
networks: {back: {internal: true}, front: {}}
`;

describe('docker-compose', () => {
  let stack: Stack;
  let folder: string | undefined;

  const compose = async (...args: string[]): Promise<string> => {
    const { stdout, stderr, status } = await run(
      'docker-compose',
      ['-f', path.join(folder ?? '', 'compose.yml'), '-p', 'trial', ...args],
      {
        env: { ...process.env, DOCKER_HOST: stack.host, COMPOSE_ANSI: 'never' },
        timeoutMs: 120_000,
      },
    );
    expect(status, `${args.join(' ')}: ${stderr}`).to.equal(0);
    return stdout;
  };
  const names = async (): Promise<string[]> =>
    (
      await stack.engineOk(
        'ps',
        '--format',
        '{{.Names}}',
        '--filter',
        'label=com.docker.compose.project=trial',
      )
    )
      .split('\n')
      .filter((name) => name !== '')
      .sort();

  before(async function () {
    needRoot(this);
    needPeers(this, 'docker-compose');
    const image = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    await stack.engineOk('pull', '-q', image);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'compose-'));
    fs.writeFileSync(path.join(folder, 'compose.yml'), application(image));
  });

  after(async () => {
    if (folder === undefined) return;
    await compose('down', '-v', '-t', '0').catch(() => undefined);
    fs.rmSync(folder, { recursive: true });
  });

  it('brings up, scales, shows and takes down an application', async function () {
    this.timeout(180_000);
    await compose('up', '-d');
    expect(await names()).to.deep.equal(['trial_api_1', 'trial_db_1', 'trial_web_1']);
    expect(
      await stack.engineOk('inspect', '-f', '{{.State.Health.Status}}', 'trial_db_1'),
    ).to.equal('healthy');
    await waitFor('the answer by name', async () =>
      (await compose('logs', 'web')).includes('answer of api'),
    );
    await compose('up', '-d', '--scale', 'api=3');
    expect(await names()).to.have.length(5);
    await compose('restart', '-t', '0', 'db');
    expect(await stack.engineOk('exec', 'trial_db_1', 'grep', '-c', 'kept', '/data/f')).to.equal(
      '2',
    );
    expect(await compose('port', 'web', '80')).to.match(/^0\.0\.0\.0:\d+/);
    await compose('down', '-v', '-t', '0');
    expect(await names()).to.deep.equal([]);
    expect(await stack.engineOk('volume', 'ls', '-q')).to.equal('');
    expect(await stack.engineOk('network', 'ls', '-q', '--filter', 'type=custom')).to.equal('');
  });
});
