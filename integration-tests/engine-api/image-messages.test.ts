/** What pulls say, compared with a real dockerd: every message, word by word, and every field. */
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { ApiClient } from './api-client.ts';

interface Message {
  status?: string;
}

/** What is said of a layer depends on how fast it comes: these steps need not be seen. */
const fleeting: readonly string[] = ['Waiting', 'Downloading', 'Extracting', 'Verifying Checksum'];

describe('messages about images', function () {
  this.timeout(120_000);
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
  });
  after(async () => {
    await stack?.stop();
    await dockerd?.stop();
  });

  const hosts = (): string[] => [dockerd?.host ?? '', stack?.host ?? ''];

  /** The answers of dockerd and of engined to the same call. */
  async function both(method: string, call: string): Promise<[unknown, unknown]> {
    const answers = [];
    for (const host of hosts()) {
      const { status, body } = await new ApiClient(host).call(method, call);
      answers.push({ status, said: essence([body].flat() as Message[]) });
    }
    return answers as [unknown, unknown];
  }

  const alike = [
    ['a pull', (at: string) => `fromImage=${at}/busybox&tag=latest`],
    ['a second pull', (at: string) => `fromImage=${at}/busybox&tag=latest`],
    ['a pull of an index', (at: string) => `fromImage=${at}/multi&tag=latest`],
    ['a pull of all tags', (at: string) => `fromImage=${at}/busybox`],
    ['an image that is not there', (at: string) => `fromImage=${at}/nosuch&tag=latest`],
    ['a tag that is not there', (at: string) => `fromImage=${at}/busybox&tag=nosuch`],
    ['a name that cannot be', () => 'fromImage=a//b&tag=latest'],
    ['a tag that cannot be', () => 'fromImage=busybox&tag=~'],
    ['a reserved name', () => 'fromImage=scratch&tag=latest'],
    [
      'a platform that is not there',
      (at: string) => `fromImage=${at}/multi&tag=latest&platform=linux/s390x`,
    ],
    [
      'a platform that cannot be',
      (at: string) => `fromImage=${at}/multi&tag=latest&platform=a/b/c/d`,
    ],
    ['a layer that is another one', (at: string) => `fromImage=${at}/wrong-digest&tag=latest`],
  ] as const;
  for (const [name, query] of alike) {
    it(`are dockerd’s for ${name}`, async () => {
      const [theirs, ours] = await both('POST', `/images/create?${query(registry)}`);
      expect(ours).to.deep.equal(theirs);
    });
  }

  /** Where ours say more, or something else; what both have in common comes first. */
  const different = [
    // The sentence of Go's decompressor, and of ours.
    [
      'a damaged layer',
      (at: string) => `fromImage=${at}/corrupt-layer&tag=latest`,
      'failed to register layer',
      /failed to register layer sha256:[0-9a-f]{64}: damaged gzip data/,
    ],
    // dockerd does not say which layer.
    [
      'a config that names other layers',
      (at: string) => `fromImage=${at}/wrong-diff-id&tag=latest`,
      "layers from manifest don't match image configuration",
      /wrong diff ID: expected sha256:[0-9a-f]{64}, got sha256:/,
    ],
    // dockerd asks for /v2/ first.
    [
      'a registry that is not there',
      () => 'fromImage=127.0.0.1:1/x&tag=latest',
      'dial tcp 127.0.0.1:1: connect: connection refused',
      /^Get "http:\/\/127.0.0.1:1\/v2\/.*": dial tcp 127.0.0.1:1: connect: connection refused$/,
    ],
  ] as const;
  for (const [name, query, theirs, ours] of different) {
    it(`are known to differ for ${name}`, async () => {
      const errors = [];
      for (const host of hosts()) {
        const call = `/images/create?${query(registry)}`;
        const { status, body } = await new ApiClient(host).call('POST', call);
        const last = [body].flat().at(-1) as { error?: string; message?: string }; // checked below
        errors.push([status, last.error ?? last.message ?? '']);
      }
      const [[theirStatus, theirError] = [], [ourStatus, ourError] = []] = errors;
      expect(ourStatus).to.equal(theirStatus);
      expect(theirError).to.contain(theirs);
      expect(ourError).to.match(ours);
    });
  }
});

/** All messages in their order, without the steps that need not be seen. */
function essence(messages: readonly Message[]): string[] {
  return messages
    .filter(({ status = '' }) => !fleeting.includes(status))
    .map((message) => JSON.stringify(message));
}
