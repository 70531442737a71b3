/** Debian's python3-docker on our socket: the life of a container, its networks, volumes and images as programs drive them. */
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';

const program = path.join(import.meta.dirname, 'python-sdk.py');

describe('the python SDK', () => {
  let seen: Record<string, unknown>;

  before(async function () {
    this.timeout(180_000);
    needRoot(this);
    const { python3 } = needPeers(this, 'python3');
    if ((await run(python3, ['-c', 'import docker'])).status !== 0) {
      skip(this, 'needs python3-docker');
    }
    const image = `${await devRegistry(this)}/busybox:latest`;
    const stack = await sharedStack();
    const { stdout, stderr, status } = await run(python3, [program], {
      env: { ...process.env, DOCKER_HOST: stack.host, IMAGE: image, TAG: 'sdk-trial' },
      timeoutMs: 150_000,
    });
    expect(status, stderr).to.equal(0);
    seen = JSON.parse(stdout) as Record<string, unknown>;
  });

  const gives = (title: string, expected: Record<string, unknown>): void => {
    it(title, () => {
      const keys = Object.keys(expected);
      expect(Object.fromEntries(keys.map((key) => [key, seen[key]]))).to.deep.equal(expected);
    });
  };

  gives('asks the daemon about itself', {
    ping: true,
    version: ['ApiVersion', 'Arch', 'Os'],
    info: 'linux',
    df: ['BuildCache', 'Containers', 'Images', 'LayersSize'],
  });
  gives('pulls, tags, saves, loads and lists images', {
    pulled: true,
    progress: 'Status',
    tagged: true,
    loaded: true,
    history: true,
    filtered: 1,
    noImage: 404,
  });
  gives('runs containers to their end', {
    output: 'hi\n',
    both: 'err\n',
    failure: [4, 'bad\n'],
  });
  gives('runs one with many options', {
    options: [
      ...['0', '/tmp', 'b', 'boxed', '512', '1', '0000000000000001', String(64 * 1024 * 1024)],
      ...['touch: /x: Read-only file system', 'tmpfs', '1.2.3.4', '500', 'nameserver 9.9.9.9'],
    ],
  });
  gives('inspects, lists and follows one in the background', {
    status: 'running',
    ports: ['53/udp', '80/tcp'],
    follow: 'begun\n',
    listed: ['sdk-trial'],
    memory: true,
    streamed: '/sdk-trial',
    top: true,
  });
  gives('executes commands', {
    exec: [3, 'inside\n'],
    demux: ['o\n', 'e\n'],
    environment: 'x\n5\n/tmp\n',
  });
  gives('hands input to an exec and to a container by their sockets', {
    socket: [1, 'got typed\n', ''],
    inspected: 6,
    attached: [1, 'echoed'],
    killed: 137,
  });
  gives('copies, exports, commits and shows changes', {
    archive: [2, 'ab'],
    diff: true,
    export: true,
    committed: 'mine\n',
  });
  gives('changes limits and stops', { updated: 128 * 1024 * 1024, exit: 137, untold: [] });
  gives('makes networks with addresses of its choice', {
    connected: ['sdk-trial'],
    found: true,
    busy: 403,
    networks: ['sdk-trial-net'],
  });
  gives('makes volumes', { mounted: 'there\n', volumes: ['sdk-trial-made'] });
  gives('is told what cannot be', {
    missing: [404, 'No such container: nosuch'],
    conflict: 409,
  });
});
