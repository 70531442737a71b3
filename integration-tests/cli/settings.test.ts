/** What the user has set in `config.json` and DOCKER_AUTH_CONFIG counts, as it does for docker. */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, type CommandResult } from '../harness/command.ts';
import { needRoot, skip } from '../harness/peers.ts';
import { daemons, type Daemon } from './daemons.ts';

const docker = '/usr/local/bin/docker';
const engine = executablePath('engine');
const name = 'settings-of-the-user';

/** Below which docker and engine find the same file. */
const config = {
  auths: {},
  psFormat: 'table {{.Names}}\\t{{.Image}}',
  imagesFormat: '{{.Repository}}|{{.Tag}}',
  networksFormat: '{{.Name}} is a {{.Driver}}',
  volumesFormat: '{{json .Driver}}',
  statsFormat: '{{.Name}}',
  detachKeys: 'ctrl-x,q',
  HttpHeaders: { 'X-Mine': 'yes', 'User-Agent': 'refused' },
  proxies: {
    default: { httpProxy: 'http://proxy:3128', noProxy: '*.example' },
    'tcp://192.0.2.1:1': { httpsProxy: 'unused' },
  },
  pruneFilters: ['label=keep', 'label!=drop', 'until=24h', 'nothing', 'empty='],
};

describe('config.json', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'settings-'));
  const file = path.join(folder, 'config.json');
  const call = (program: string, host: string, line: readonly string[], env = {}) =>
    run(program, ['-H', host, ...line], { env: { DOCKER_CONFIG: folder, ...env } });
  let peer: Daemon | undefined;

  before(async function () {
    needRoot(this);
    if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
    peer = await daemons[0]?.start(this);
    await peer?.ok('run', '-d', '--name', name, '-v', '/data', 'busybox:cli', 'sleep', '1000');
  });
  beforeEach(() => {
    fs.writeFileSync(file, JSON.stringify(config));
  });
  after(async () => {
    await peer?.engine(['rm', '-fv', name, `${name}-proxy`]);
    await peer?.stop();
    fs.rmSync(folder, { recursive: true });
  });

  for (const line of [
    ['ps'],
    ['ps', '-q'],
    ['ps', '--format', '{{.Image}}'],
    ['ps', '--format', ''],
    ['images', 'busybox:cli'],
    ['images', '-q', 'busybox:cli'],
    ['network', 'ls'],
    ['volume', 'ls'],
    ['stats', '--no-stream', name],
  ]) {
    it(`is what ${line.join(' ')} goes by`, async () => {
      const host = peer?.host ?? '';
      const theirs = await call(docker, host, line);
      expect(theirs.stdout).to.not.equal('');
      expect(sorted(await call(engine, host, line))).to.deep.equal(sorted(theirs));
    });
  }

  it('has the proxies of containers', async () => {
    const host = peer?.host ?? '';
    const environments: unknown[] = [];
    for (const program of [docker, engine]) {
      const made = [
        'create',
        '--name',
        `${name}-proxy`,
        '-e',
        'A=b',
        '-e',
        'no_proxy=mine',
        'busybox:cli',
      ];
      expect((await call(program, host, made)).status).to.equal(0);
      const look = ['inspect', '-f', '{{json .Config.Env}}', `${name}-proxy`];
      const { stdout } = await call(program, host, look);
      environments.push((JSON.parse(stdout) as string[]).sort());
      await call(program, host, ['rm', `${name}-proxy`]);
    }
    expect(environments[1]).to.deep.equal(environments[0]);
    expect(environments[1]).to.include.members([
      'HTTP_PROXY=http://proxy:3128',
      'http_proxy=http://proxy:3128',
      'no_proxy=mine',
    ]);
  });

  it('has headers for every call, and filters for every prune', async () => {
    const { host, requests, close } = await recorder();
    const lines = [
      ['container', 'prune', '-f'],
      ['volume', 'prune', '-f', '--filter', 'label=drop'],
      ['network', 'prune', '-f', '--filter', 'label!=keep'],
    ];
    const seen: unknown[] = [];
    for (const program of [docker, engine]) {
      for (const line of lines) await call(program, host, line);
      for (const { headers } of requests) {
        expect(headers['x-mine']).to.equal('yes');
        expect(headers['user-agent']).to.not.equal('refused');
      }
      const prunes = requests.splice(0).filter(({ url = '' }) => url.includes('/prune'));
      seen.push(...prunes.map(({ url = '' }) => filtersOf(url)));
    }
    close();
    const [first, second, third, ...ours] = seen;
    const all = { empty: [''], until: ['24h'] };
    // docker 28.2 loses labels of the file: it looks for their opposites in a way that finds what is not there.
    expect([first, second, third]).to.deep.equal([
      all,
      { ...all, label: ['drop'] },
      { ...all, 'label!': ['keep'] },
    ]);
    expect(ours).to.deep.equal([
      { ...all, label: ['keep'], 'label!': ['drop'] },
      { ...all, label: ['drop', 'keep'] },
      { ...all, 'label!': ['drop', 'keep'] },
    ]);
  });

  it('has the keys that detach, and a wrong one is said', async () => {
    fs.writeFileSync(file, JSON.stringify({ detachKeys: 'ctrl-x,nonsense' }));
    const { status, stderr } = await call(engine, peer?.host ?? '', ['attach', name]);
    expect({ status, stderr: stderr.split('\n')[0] }).to.deep.equal({
      status: 125,
      stderr: "invalid detach keys (ctrl-x,nonsense): unknown character: 'nonsense'",
    });
  });

  it('that cannot be read is a warning', async () => {
    fs.writeFileSync(file, 'no json');
    const { status, stdout, stderr } = await call(engine, peer?.host ?? '', ['ps', '-q']);
    expect({ status, lines: stdout.split('\n').length > 1 }).to.deep.equal({
      status: 0,
      lines: true,
    });
    expect(stderr).to.match(/^WARNING: Error loading config file: .*config\.json/);
  });
});

describe('DOCKER_AUTH_CONFIG', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'auth-config-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const auth = (text: string) => Buffer.from(text).toString('base64');
  const pull = async (host: string, value: string) => {
    const env = { DOCKER_CONFIG: folder, DOCKER_AUTH_CONFIG: value };
    return run(engine, ['-H', host, 'pull', 'registry.example/image'], { env });
  };

  it('goes before what is stored, which stands in for the rest', async () => {
    const stored = { auths: { 'registry.example': { auth: auth('file:secret') } } };
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(stored));
    const { host, requests, close } = await recorder();
    const variable = (server: string) =>
      JSON.stringify({ auths: { [server]: { auth: auth('env:x:y') } } });
    await pull(host, variable('registry.example'));
    await pull(host, variable('other.example'));
    await pull(host, '');
    close();
    const sent = requests.flatMap(({ headers }) => {
      const header = headers['x-registry-auth'];
      return typeof header === 'string' ? [parsed(header)] : [];
    });
    const server = { serveraddress: 'registry.example' };
    expect(sent).to.deep.equal([
      { username: 'env', password: 'x:y', ...server },
      { username: 'file', password: 'secret', ...server },
      { username: 'file', password: 'secret', ...server },
    ]);
  });

  it('that is not understood is a warning', async () => {
    const { host, close } = await recorder();
    for (const [value, words] of [
      ['{"auths":{"a":{"auth":"x","more":1}}}', 'json: unknown field "more"'],
      ['{"auths":{"a":{}}}', 'is missing key `auth` for a'],
      [`{"auths":{"a":{"auth":"${auth('nobody')}"}}}`, 'invalid auth configuration file'],
    ] as const) {
      const { stderr } = await pull(host, value);
      expect(stderr).to.include('Failed to create credential store from DOCKER_AUTH_CONFIG: ');
      expect(stderr).to.include(words);
    }
    close();
  });
});

function parsed(header: string): unknown {
  return JSON.parse(Buffer.from(header, 'base64url').toString());
}

/** A daemon that notes what it is asked and answers with nothing. */
async function recorder() {
  const requests: http.IncomingMessage[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request);
    response.setHeader('Api-Version', '1.45');
    response.setHeader('Content-Type', 'application/json');
    response.end(request.method === 'HEAD' ? '' : '{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { host: `tcp://127.0.0.1:${port}`, requests, close };
}

/** By key, its values: docker's are a map, ours a list. */
function filtersOf(url: string): Record<string, string[]> {
  const text = new URL(url, 'http://engine').searchParams.get('filters') ?? '{}';
  const filters = JSON.parse(text) as Record<string, string[] | Record<string, boolean>>;
  return Object.fromEntries(
    Object.entries(filters)
      .map(
        ([key, values]) =>
          [key, (Array.isArray(values) ? values : Object.keys(values)).sort()] as const,
      )
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function sorted({ status, stdout, stderr }: CommandResult): object {
  return { status, stdout: stdout.split('\n').sort(), stderr };
}
