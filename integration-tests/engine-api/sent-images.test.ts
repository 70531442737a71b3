/** What pushes and loads say, compared with a real dockerd: every message, word by word, and every field. */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { run, runOk } from '../harness/command.ts';

interface Answer {
  status: number | undefined;
  said: string[];
}

interface Message {
  status?: string;
  id?: string;
}

/** How often something is said of a layer depends on how fast it goes. */
const fleeting: readonly string[] = ['Waiting', 'Pushing', 'Loading layer'];

/** base64url of {}: nobody's credentials. */
const headers = { 'X-Registry-Auth': 'e30=' };

describe('messages about images that are sent', function () {
  this.timeout(120_000);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sent-'));
  const file = (name: string): string => path.join(folder, name);
  let registry: string;
  let dockerd: RealDocker | undefined;
  let stack: Stack | undefined;

  before(async function () {
    this.timeout(600_000);
    needRoot(this);
    needPeers(this, 'dockerd', 'containerd', 'docker');
    registry = await devRegistry(this);
    dockerd = await RealDocker.start({
      arguments: ['--bridge=none', '--iptables=false', '--ip6tables=false'],
    });
    stack = await Stack.start();
    await writeArchives(dockerd);
    for (const host of hosts()) {
      for (const args of [
        ['load', '-qi', file('layers.tar')],
        ['pull', '-q', `${registry}/busybox`],
        ['tag', `${registry}/busybox`, `${at(host)}/mounted:1`],
        ['tag', `${registry}/busybox`, `${at(host)}/mounted:2`],
        ['tag', 'layers:1', `${at(host)}/layers:1`],
        ['tag', 'layers:1', `127.0.0.1:1/layers:1`],
      ]) {
        await runOk('docker', ['-H', host, ...args]);
      }
    }
  });
  after(async () => {
    await stack?.stop();
    await dockerd?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const hosts = (): string[] => [dockerd?.host ?? '', stack?.host ?? ''];
  /** A part of the registry for each, so that neither finds what the other has pushed. */
  const at = (host: string): string => `${registry}/${host === stack?.host ? 'ours' : 'them'}`;

  /** An image of two layers, as dockerd saves it; one that its own tag has moved from; what is none. */
  async function writeArchives(docker: RealDocker): Promise<void> {
    fs.writeFileSync(file('a'), 'first');
    await runOk('tar', ['-C', folder, '-cf', file('a.tar'), 'a']);
    await docker.dockerOk('import', '-c', 'CMD ["x"]', file('a.tar'), 'base:1');
    await docker.dockerOk('create', '--name', 'two', '--network', 'none', 'base:1', 'x');
    await docker.dockerOk('cp', file('a'), 'two:/b');
    await docker.dockerOk('commit', 'two', 'layers:1');
    await docker.dockerOk('tag', 'layers:1', 'layers:2');
    await docker.dockerOk('save', '-o', file('layers.tar'), 'layers:1');
    await docker.dockerOk('save', '-o', file('names.tar'), 'layers:1', 'layers:2', 'base:1');
    const id = await docker.dockerOk('inspect', '-f', '{{.Id}}', 'layers:1');
    await docker.dockerOk('save', '-o', file('id.tar'), id);
    await docker.dockerOk('tag', 'base:1', 'layers:3');
    await docker.dockerOk('save', '-o', file('moved.tar'), 'layers:3');
    await docker.dockerOk('rm', 'two');
    await docker.dockerOk('rmi', 'layers:1', 'layers:2', 'layers:3', 'base:1');
    fs.writeFileSync(file('empty.tar'), '');
    fs.writeFileSync(file('text.tar'), 'no archive'.repeat(1000));
    await run('tar', ['-C', folder, '-cf', file('other.tar'), 'a']);
  }

  async function post(host: string, target: string, body?: Buffer): Promise<Answer> {
    const socketPath = host.replace('unix://', '');
    const request = http.request({
      socketPath,
      method: 'POST',
      path: target,
      headers,
      agent: false,
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = (await response.map((chunk: Buffer) => chunk.toString()).toArray()).join('');
    const said = text
      .replaceAll(/\/(ours|them)\//g, '/REPOSITORY/')
      .trim()
      .split('\r\n');
    return { status: response.statusCode, said: essence(said) };
  }

  const pushes = [
    ['a push of what is there under another name', 'mounted', '1'],
    ['a push of what was pushed', 'mounted', '1'],
    ['a push of what was loaded', 'layers', '1'],
    ['a push of it once more', 'layers', '1'],
    ['a push of all tags', 'mounted', ''],
    ['a push of a name that is not there', 'nosuch', '1'],
    ['a push of a tag that is not there', 'mounted', '9'],
    ['a push of all tags of a name that is not there', 'nosuch', ''],
  ] as const;
  for (const [what, name, tag] of pushes) {
    it(`are dockerd’s for ${what}`, async () => {
      const [theirs, ours] = await Promise.all(
        hosts().map((host) => post(host, `/images/${at(host)}/${name}/push?tag=${tag}`)),
      );
      expect(ours).to.deep.equal(theirs);
    });
  }

  const loads = ['layers', 'names', 'id', 'moved'] as const;
  for (const name of loads) {
    for (const quiet of ['0', '1']) {
      it(`are dockerd’s for a load of ${name}.tar with quiet=${quiet}`, async () => {
        const archive = fs.readFileSync(file(`${name}.tar`));
        const [theirs, ours] = await Promise.all(
          hosts().map((host) => post(host, `/images/load?quiet=${quiet}`, archive)),
        );
        expect(ours).to.deep.equal(theirs);
      });
    }
  }

  /** Sentences of Go's tar and of a file that dockerd misses, and ours. */
  const refused = [
    ['empty', /repositories: no such file or directory$/, /^unrecognized image format$/],
    ['text', /archive\/tar: invalid tar header$/, /^malformed tar archive: /],
    ['other', /repositories: no such file or directory$/, /^unrecognized image format$/],
  ] as const;
  for (const [name, theirs, ours] of refused) {
    it(`are known to differ in words for a load of ${name}.tar`, async () => {
      const archive = fs.readFileSync(file(`${name}.tar`));
      for (const [index, words] of [theirs, ours].entries()) {
        const answer = await post(hosts()[index] ?? '', '/images/load?quiet=1', archive);
        expect(answer.status).to.equal(200);
        const [said = ''] = answer.said;
        const { error, errorDetail } = JSON.parse(said) as Refusal; // checked below
        expect(errorDetail).to.deep.equal({ message: error });
        expect(error).to.match(words);
      }
    });
  }
});

interface Refusal {
  error: string;
  errorDetail: object;
}

/** All messages without the steps that need not be seen; those of layers, which go side by side, in the order of their layers. */
function essence(lines: readonly string[]): string[] {
  const messages = lines.filter(Boolean).map((line) => JSON.parse(line) as Message);
  const kept = messages.filter(({ status = '' }) => !fleeting.includes(status));
  const layers = [...new Set(kept.flatMap(({ id }) => id ?? []))];
  const rank = ({ id }: Message): number => (id === undefined ? -1 : layers.indexOf(id));
  const ofLayers = kept.filter(({ id }) => id !== undefined).sort((a, b) => rank(a) - rank(b));
  return [...kept.filter(({ id }) => id === undefined), ...ofLayers].map((message) =>
    JSON.stringify(message)
      // dockerd writes a manifest of its own; ours is the one that was pulled or loaded.
      .replace(/sha256:[0-9a-f]{64}/, 'DIGEST')
      .replace(/("Size":|size: )\d+/, '$1SIZE'),
  );
}
