/** /info, /version, /_ping and the odd paths beside a real dockerd on the same machine, at every version that both speak. */
import fs from 'node:fs';
import { expect } from 'chai';
import { ApiClient, type ApiAnswer } from '../engine-api/api-client.ts';
import { newerPeers } from '../harness/newer-peers.ts';
import { needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

type Fields = Record<string, unknown>;

/** Fields that one of the two has and the other has not, with the reason. */
const allowed: Readonly<Record<string, string>> = {
  ExecutionDriver: 'only below 1.25, and gone from docker 28',
  KernelMemory: 'a limit that Linux has no more',
  KernelMemoryTCP: 'a limit that Linux keeps no longer',
  Containerd: 'docker leaves it out when it was given no address, which 26.1 was not asked to show',
};

const versions = ['1.24', '1.25', '1.30', '1.39', '1.41', '1.42', '1.43', '1.44', '1.45'];

describe('engined beside dockerd', () => {
  let stack: Stack;
  let ours: ApiClient;
  let docker: RealDocker;
  let theirs: ApiClient;

  before(async function () {
    needRoot(this);
    const shimFolders = await newerPeers(this);
    stack = await sharedStack();
    ours = new ApiClient(stack.host);
    docker = await RealDocker.start({
      ownNetns: true,
      shimFolders,
    });
    theirs = new ApiClient(docker.host);
  });

  after(async () => {
    await docker.stop();
  });

  async function fields(api: ApiClient, target: string): Promise<Fields> {
    const { status, body } = await api.call('GET', target);
    expect(status, JSON.stringify(body)).to.equal(200);
    return body as Fields;
  }

  /** Names of fields in one of the two only, and of those with another type. */
  function differences(mine: Fields, docker: Fields): string[] {
    const kind = (value: unknown): string =>
      value === null || Array.isArray(value) ? 'array' : typeof value;
    return [...new Set([...Object.keys(mine), ...Object.keys(docker)])].filter(
      (name) =>
        !(name in allowed) &&
        (!(name in mine) || !(name in docker) || kind(mine[name]) !== kind(docker[name])),
    );
  }

  for (const version of versions) {
    it(`describes itself with dockerd's fields at ${version}`, async () => {
      const [mine, real] = await Promise.all([
        fields(ours, `/v${version}/info`),
        fields(theirs, `/v${version}/info`),
      ]);
      expect(differences(mine, real)).to.deep.equal([]);
      for (const name of ['RegistryConfig', 'Swarm', 'ContainerdCommit', 'Plugins'] as const) {
        expect(differences(mine[name] as Fields, real[name] as Fields), name).to.deep.equal([]);
      }
      // What the machine is and can do, both must see alike.
      for (const name of [
        ...['MemoryLimit', 'SwapLimit', 'CpuCfsPeriod', 'CpuCfsQuota', 'CPUShares', 'CPUSet'],
        ...['PidsLimit', 'OomKillDisable', 'CgroupVersion', 'CgroupDriver', 'KernelVersion'],
        ...['OperatingSystem', 'OSVersion', 'OSType', 'Architecture', 'NCPU', 'MemTotal', 'Name'],
        ...['IPv4Forwarding', 'IndexServerAddress', 'SecurityOptions', 'LoggingDriver', 'Swarm'],
      ]) {
        expect(mine[name], name).to.deep.equal(real[name]);
      }
      const runc = (info: Fields) => (info['Runtimes'] as Record<string, Fields>)['runc'] ?? {};
      expect(Object.keys(runc(mine))).to.deep.equal(Object.keys(runc(real)));
    });
  }

  it('has no field before its version, and none after', async () => {
    const at = (version: string) => fields(ours, `/v${version}/info`);
    expect(await at('1.45')).to.not.have.property('Containerd');
    expect(await at('1.46')).to.have.property('Containerd');
    expect(await at('1.48')).to.not.have.property('FirewallBackend');
    expect(await at('1.49')).to.have.property('FirewallBackend');
    expect((await at('1.48'))['RuncCommit']).to.have.property('Expected');
    expect((await at('1.49'))['RuncCommit']).to.not.have.property('Expected');
    const setting = '/proc/sys/net/bridge/bridge-nf-call-iptables';
    const isFiltered = fs.existsSync(setting) && fs.readFileSync(setting, 'utf8') === '1\n';
    expect(await at('1.49')).to.have.property('BridgeNfIptables', isFiltered);
    expect(await at('1.50')).to.not.have.property('BridgeNfIptables');
    expect((await at('1.46'))['RegistryConfig']).to.have.property(
      'AllowNondistributableArtifactsCIDRs',
    );
    expect((await at('1.47'))['RegistryConfig']).to.not.have.property(
      'AllowNondistributableArtifactsCIDRs',
    );
  });

  it('names the versions of its parts', async () => {
    const [mine, real] = await Promise.all([fields(ours, '/version'), fields(theirs, '/version')]);
    expect(differences(mine, real)).to.deep.equal([]);
    const parts = mine['Components'] as { Name: string; Version: string }[];
    for (const { Name: name, Version: version } of parts) {
      expect(version, name).to.match(/^\d+\.\d+/);
    }
    expect(parts.map(({ Name: name }) => name)).to.include.members(['Engine', 'containerd']);
    expect(parts.length).to.be.at.least(3);
  });

  it('answers ping, options and odd paths as dockerd does', async () => {
    const cases = [
      ...[
        'GET /_ping',
        'HEAD /_ping',
        'OPTIONS /v1.40/anything',
        'GET /v2/info',
        'GET /v1.99/info',
      ],
      ...[
        'GET /nope',
        'GET /info/',
        'GET /networks/',
        'GET /events?since=5&until=2',
        'GET //info',
        'GET /containers//json',
      ],
      ...['GET /containers/%2e%2e/json', 'GET /containers/..%2f..%2fetc/json?all=1'],
      ...['GET /containers/a%00b/json', 'GET /containers/a%zz/json', 'GET /containers/a%252e/json'],
      ...['POST /info', 'GET /containers/create', 'PUT /containers/x/json', 'DELETE /nope'],
      ...['GET /containers/a/b/json', 'GET /containers/%ff/json', 'GET /v1.40', 'GET /'],
    ];
    for (const call of cases) {
      const [method = '', target = ''] = call.split(' ');
      const [mine, real] = await Promise.all([
        ours.call(method, target),
        theirs.call(method, target),
      ]);
      const seen = ({ status, headers, body }: ApiAnswer) => ({
        status,
        type: headers['content-type'],
        location: headers['location'],
        ...(status >= 400 && { body: JSON.stringify(body).replaceAll('1.45', '1.51') }),
      });
      if (call.endsWith('/%ff/json')) {
        expect(mine.status).to.equal(real.status); // dockerd puts a replacement character into its message
      } else {
        expect(seen(mine), call).to.deep.equal(seen(real));
      }
      if (real.status >= 300) continue; // what the path decides comes before what sets these
      for (const name of ['docker-experimental', 'ostype', 'swarm', 'cache-control', 'pragma']) {
        expect(mine.headers[name], `${name} of ${call}`).to.equal(real.headers[name]);
      }
    }
  });

  it('refuses bodies with the words and the status of dockerd', async () => {
    const cases: [target: string, type: string | undefined, body: string][] = [
      ['/containers/create', undefined, '{}'],
      ['/containers/create', 'text/plain', '{}'],
      ['/containers/create', 'application/json', '{} {}'],
      ['/containers/create', 'application/json; charset=utf-8', ''],
      ['/networks/create', 'application/xml', ''],
      ['/networks/create', 'application/json', '   '],
      ['/volumes/create', 'application/json', '['.repeat(20_000)],
      ['/networks/create', 'application/json', '{"Name":'],
    ];
    for (const [target, type, body] of cases) {
      const headers = type === undefined ? {} : { 'Content-Type': type };
      const [mine, real] = await Promise.all(
        [ours, theirs].map((api) => api.send('POST', target, headers, body)),
      );
      const name = `${target} ${type} ${body.slice(0, 20)}`;
      expect(mine?.status, name).to.equal(real?.status);
      const message = (answer?: ApiAnswer) => (answer?.body as { message: string }).message;
      const words = message(real).replace(/^(invalid JSON:).*/s, '$1');
      expect(message(mine), name).to.include(words);
    }
  });

  it('lets docker info print what it prints of dockerd: no further warnings', async () => {
    const [mine, real] = await Promise.all([stack.docker('info'), docker.docker(['info'])]);
    expect(mine.status, mine.stderr).to.equal(0);
    const warnings = (text: string) => text.split('\n').filter((line) => line.includes('WARNING'));
    const known = warnings(real.stdout + real.stderr);
    expect(
      warnings(mine.stdout + mine.stderr).filter((line) => !known.includes(line)),
    ).to.deep.equal([]);
  });
});
