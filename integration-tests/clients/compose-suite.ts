/** What docker-compose 1 and compose 2 must both do with an application of three services. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { run, type CommandResult } from '../harness/command.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

/** One of the two programs, as it is called. */
export interface ComposeClient {
  readonly argv: readonly [string, ...string[]];
  readonly env?: NodeJS.ProcessEnv;
  /** Between project, service and number in the names of containers. */
  readonly separator: '_' | '-';
}

/** db is healthy when it has written; api waits for that; web asks api by name. */
const application = (image: string, mark: string): string => `
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
    command: sh -c "mkdir -p /w; echo answer of api > /w/index.html; exec httpd -f -h /w"
    depends_on: {db: {condition: service_healthy}}
    networks: [back, front]
  web:
    image: ${image}
    command: sh -c "until wget -qO- http://api/; do sleep 0.2; done; sleep 600"
    depends_on: [api]
    environment: {MARK: "${mark}"}
    networks: [front]
    ports: ["80"]
volumes: {data: {}}
networks: {back: {internal: true}, front: {}}
`;

/** `find` runs in a before hook; it skips where the program is missing. */
export function describeCompose(
  title: string,
  project: string,
  find: (context: Context) => ComposeClient | Promise<ComposeClient>,
): void {
  describe(title, function () {
    this.timeout(120_000);
    let stack: Stack;
    let client: ComposeClient;
    let image: string;
    let folder: string | undefined;

    const command = (...args: string[]): [string, string[]] => {
      const [file, ...words] = client.argv;
      return [
        file,
        [...words, '-f', path.join(folder ?? '', 'compose.yml'), '-p', project, ...args],
      ];
    };
    const environment = () => ({ ...client.env, DOCKER_HOST: stack.host, COMPOSE_ANSI: 'never' });
    const attempt = (...args: string[]): Promise<CommandResult> =>
      run(...command(...args), { env: environment(), timeoutMs: 100_000 });
    const compose = async (...args: string[]): Promise<string> => {
      const { stdout, stderr, status } = await attempt(...args);
      expect(status, `${args.join(' ')}: ${stdout}${stderr}`).to.equal(0);
      return stdout;
    };
    const container = (service: string, number = 1): string =>
      [project, service, number].join(client.separator);
    /** What `docker ps`-like commands list of this project. */
    const listed = async (...args: string[]): Promise<string[]> => {
      const filter = `label=com.docker.compose.project=${project}`;
      const lines = await stack.engineOk(...args, '--filter', filter);
      return lines.split('\n').filter(Boolean).sort();
    };
    const names = () => listed('ps', '-a', '--format', '{{.Names}}');
    const writeApplication = (mark: string): void => {
      fs.writeFileSync(path.join(folder ?? '', 'compose.yml'), application(image, mark));
    };

    before(async function () {
      needRoot(this);
      client = await find(this);
      image = `${await devRegistry(this)}/busybox`;
      stack = await sharedStack();
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'compose-'));
      writeApplication('first');
    });

    after(async () => {
      if (folder === undefined) return;
      await attempt('down', '-v', '-t', '0');
      fs.rmSync(folder, { recursive: true });
    });

    it('reads the application and pulls its images', async () => {
      const services = (await compose('config', '--services')).trim().split('\n');
      expect(services.sort()).to.deep.equal(['api', 'db', 'web']);
      expect(await compose('config')).to.contain('service_healthy');
      await compose('pull', '-q');
      expect(await stack.engineOk('images', '-q', image)).to.match(/^[0-9a-f]{12}$/);
    });

    it('starts the services in their order, each once the one before is healthy', async () => {
      await compose('up', '-d');
      expect(await names()).to.deep.equal(['api', 'db', 'web'].map((name) => container(name)));
      const health = ['inspect', '-f', '{{.State.Health.Status}}', container('db')];
      expect(await stack.engineOk(...health)).to.equal('healthy');
      const startedAt = (name: string) =>
        stack.engineOk('inspect', '-f', '{{.State.StartedAt}}', container(name));
      const [db = '', api = '', web = ''] = await Promise.all(['db', 'api', 'web'].map(startedAt));
      expect([db, api, web]).to.deep.equal([web, api, db].sort());
    });

    it('lists, shows processes and images', async () => {
      expect((await compose('ps', '-q')).trim().split('\n')).to.have.length(3);
      expect(await compose('ps'))
        .to.contain(container('db'))
        .and.to.contain('(healthy)');
      expect(await compose('top')).to.contain('httpd -f -h /w');
      expect(await compose('images')).to.contain(container('web'));
    });

    it('shows what the services wrote', async () => {
      await waitFor('the answer by name', async () =>
        (await compose('logs', 'web')).includes('answer of api'),
      );
      const { stdout } = await attempt('logs', '--tail', '1', '-t', '--no-color', 'web');
      expect(stdout).to.match(/web.1 +\| \d{4}-\d\d-\d\dT[\d:.]+Z answer of api/);
    });

    it('enters a service', async () => {
      expect(await compose('exec', '-T', 'api', 'cat', '/w/index.html')).to.equal(
        'answer of api\n',
      );
      const exec = await attempt('exec', '-T', 'api', 'sh', '-c', 'exit 9');
      expect(exec.status).to.equal(9);
    });

    it('runs a service once', async () => {
      const ask = ['wget', '-qO-', 'http://api/'];
      expect(await compose('run', '--rm', '-T', 'web', ...ask)).to.equal('answer of api\n');
      expect((await attempt('run', '--rm', '-T', 'web', 'sh', '-c', 'exit 5')).status).to.equal(5);
      expect(await names()).to.have.length(3);
    });

    it('tells where a port is published', async () => {
      expect(await compose('port', 'web', '80')).to.match(/^0\.0\.0\.0:\d+/);
    });

    it('scales up and down, and all are found under one name', async () => {
      await compose('up', '-d', '--scale', 'api=3');
      expect(await names()).to.have.length(5);
      const resolved = await compose('exec', '-T', 'web', 'nslookup', 'api');
      const addresses = new Set(resolved.match(/(?<=^Address.*: *)\d+\.\d+\.\d+\.\d+$/gm));
      expect([...addresses].filter((address) => address !== '127.0.0.11')).to.have.length(3);
      await compose('up', '-d', '-t', '0', '--scale', 'api=1');
      expect(await names()).to.have.length(3);
    });

    it('restarts a service, which keeps its volume, and sees it happen', async () => {
      const [file, args] = command('events', '--json');
      const events = spawn(file, args, {
        env: { ...process.env, ...environment() },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let seen = '';
      events.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
      try {
        // It says nothing until something happens: what happens is repeated until it does.
        await waitFor('events', async () => {
          await compose('exec', '-T', 'db', 'true');
          return seen.includes('"action"');
        });
        await compose('restart', '-t', '0', 'db');
        await waitFor('the restart to be told', () => /"action": ?"restart"/.test(seen));
      } finally {
        events.kill('SIGKILL');
        await once(events, 'close');
      }
      const told = seen.trim().split('\n').map(parseEvent);
      const ofDb = told.filter(({ service }) => service === 'db').map(({ action }) => action);
      expect(ofDb).to.include.members(['kill', 'die', 'stop', 'start', 'restart']);
      expect(
        await stack.engineOk('exec', container('db'), 'grep', '-c', 'kept', '/data/f'),
      ).to.equal('2');
    });

    it('makes anew what was changed in the file, and nothing else', async () => {
      const ids = () => Promise.all(['db', 'api', 'web'].map((name) => idOf(container(name))));
      const [db, api, web] = await ids();
      writeApplication('second');
      await compose('up', '-d', '-t', '0');
      const [dbAfter, apiAfter, webAfter] = await ids();
      expect([dbAfter, apiAfter]).to.deep.equal([db, api]);
      expect(webAfter).not.to.equal(web);
      expect(await compose('exec', '-T', 'web', 'sh', '-c', 'echo $MARK')).to.equal('second\n');
    });

    it('stops, starts, kills and removes services', async () => {
      await compose('stop', '-t', '0', 'web');
      const running = await listed('ps', '--format', '{{.Names}}');
      expect(running).not.to.include(container('web'));
      await compose('start', 'web');
      expect(await listed('ps', '--format', '{{.Names}}')).to.include(container('web'));
      await compose('pause', 'web');
      expect(await compose('ps')).to.match(/paused/i);
      await compose('unpause', 'web');
      await compose('kill', 'web');
      const status = ['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', container('web')];
      await waitFor('its end', async () => (await stack.engineOk(...status)) === 'exited 137');
      await compose('rm', '-f', 'web');
      expect(await names()).not.to.include(container('web'));
    });

    it('takes all of it down, volumes too', async () => {
      await compose('down', '-v', '-t', '0');
      expect(await names()).to.deep.equal([]);
      expect(await listed('volume', 'ls', '-q')).to.deep.equal([]);
      expect(await listed('network', 'ls', '-q')).to.deep.equal([]);
    });

    const idOf = (name: string) => stack.engineOk('inspect', '-f', '{{.Id}}', name);
  });
}

/** `events --json` writes one object a line. */
function parseEvent(line: string): { service: string; action: string } {
  return JSON.parse(line) as { service: string; action: string };
}
