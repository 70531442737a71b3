/** Bad input: one clear sentence, docker's exit code, and nothing left behind. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { executablePath } from '#lib/installation/installation';
import { run } from '../harness/command.ts';
import { restingFootprint, settleFootprint, type Footprint } from '../harness/footprint.ts';
import { readMachineState } from '../harness/machine-state.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

describe('bad input', () => {
  let stack: Stack;
  let registry: string;
  let busybox: string;
  let footprint: Footprint;
  let cgroups: string[];
  let containers: string;

  before(async function () {
    needRoot(this);
    registry = await devRegistry(this);
    busybox = `${registry}/busybox`;
    stack = await sharedStack();
    await stack.engineOk('pull', '-q', busybox);
  });

  beforeEach(async () => {
    footprint = await restingFootprint(stack);
    cgroups = readMachineState().cgroups;
    containers = await stack.engineOk('ps', '-aq');
  });

  afterEach(async () => {
    expect(await stack.engineOk('ps', '-aq')).to.equal(containers);
    expect(await settleFootprint(stack, footprint)).to.deep.equal([]);
    // engined makes the parent group of all containers for the first of them and removes it when it stops.
    const added = readMachineState().cgroups.filter(
      (group) => !cgroups.includes(group) && path.basename(group) !== 'engine',
    );
    expect(added).to.deep.equal([]);
  });

  /** [title, arguments, exit code, what the message must say] */
  const cases: [string, (image: string) => string[], number, RegExp][] = [
    [
      'a missing image',
      () => ['run', '--rm', `${registry}/nosuch:1`],
      125,
      /nosuch.*not found|nosuch.*does not exist/,
    ],
    ['a bad reference', () => ['run', '--rm', 'UPPER/Case'], 125, /invalid reference format/],
    [
      'a wrong digest',
      () => ['pull', `${registry}/busybox@sha256:${'0'.repeat(64)}`],
      1,
      /0{64}|not found/,
    ],
    [
      'an unknown flag',
      (image) => ['run', '--frobnicate', image],
      125,
      /unknown flag: --frobnicate/,
    ],
    [
      'a command that does not exist',
      (image) => ['run', '--name', 'no-command', '--rm', image, 'frobnicate'],
      127,
      /exec: "frobnicate": executable file not found in \$PATH/,
    ],
    [
      'a path that does not exist',
      (image) => ['run', '--rm', image, '/no/such'],
      127,
      /\/no\/such.*no such file or directory/,
    ],
    [
      'a command that may not be executed',
      (image) => ['run', '--rm', image, '/etc/passwd'],
      126,
      /\/etc\/passwd.*permission denied/,
    ],
    [
      'a user that does not exist',
      (image) => ['run', '--rm', '-u', 'nobody-here', image, 'true'],
      125,
      /nobody-here/,
    ],
    ['a memory size that is none', (image) => ['run', '-m', 'lots', image], 125, /"lots"/],
    [
      'a memory limit below the minimum',
      (image) => ['run', '--rm', '-m', '1k', image, 'true'],
      125,
      /minimum memory limit/i,
    ],
    [
      'a bind source that does not exist in --mount',
      (image) => ['run', '--rm', '--mount', 'type=bind,src=/no/such,dst=/x', image, 'true'],
      125,
      /\/no\/such/,
    ],
    [
      'a network that does not exist',
      (image) => ['run', '--rm', '--network', 'nonet', image, 'true'],
      125,
      /network nonet not found/,
    ],
    ['a container that does not exist', () => ['rm', 'nosuch'], 1, /No such container: nosuch/],
    [
      'an image to remove that does not exist',
      () => ['rmi', 'nosuch:1'],
      1,
      /No such image: nosuch:1/,
    ],
  ];

  for (const [title, args, status, message] of cases) {
    it(`${title} ends with ${status} and says so`, async () => {
      const result = await stack.engine(...args(busybox));
      expect(result.stderr).to.match(message);
      expect(result.stderr).not.to.match(/\n {4}at /); // no stack trace
      expect(result.status).to.equal(status);
    });
  }

  it('a name in use ends with 125 and names the holder', async () => {
    const id = await stack.engineOk('create', '--name', 'taken', busybox, 'true');
    try {
      const result = await stack.engine('run', '--name', 'taken', busybox, 'true');
      expect(result.status).to.equal(125);
      expect(result.stderr)
        .to.contain('The container name "/taken" is already in use by container')
        .and.to.contain(id);
    } finally {
      await stack.engineOk('rm', 'taken');
    }
  });

  for (const name of ['corrupt-layer', 'wrong-digest']) {
    it(`an image with a ${name.replace('-', ' ')} is refused and leaves nothing`, async () => {
      const result = await stack.engine('pull', `${registry}/${name}`);
      expect(result.status).to.equal(1);
      expect(result.stderr + result.stdout).to.match(/sha256:|digest|gzip|corrupt|header/i);
      expect((await stack.engine('images', '-q', `${registry}/${name}`)).stdout).to.equal('');
    });
  }

  it('a daemon that is not running is named', async () => {
    for (const [command, status] of [
      ['ps', 1],
      ['run', 125],
    ] as const) {
      const result = await run(executablePath('engine'), [
        '-H',
        'unix:///no/such.sock',
        command,
        ...(command === 'run' ? ['x'] : []),
      ]);
      expect(result.stderr)
        .to.contain('unix:///no/such.sock')
        .and.to.contain('is engined running?');
      expect(result.status).to.equal(status);
    }
  });

  it('a daemon without root says that it needs root', async () => {
    const folder = fs.mkdtempSync('/tmp/noroot-');
    fs.chmodSync(folder, 0o777);
    try {
      const args = ['--reuid=65534', '--regid=65534', '--clear-groups', executablePath('engined')];
      const result = await run('/usr/bin/setpriv', [
        ...args,
        '-H',
        `unix://${path.join(folder, 's')}`,
        '--data-root',
        folder,
        '--exec-root',
        folder,
      ]);
      expect(result.stderr).to.match(/root/);
      expect(result.status).to.equal(1);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
