/** Many containers: at once, one after another, and what is left of them when they are gone. */
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { ApiClient } from '../engine-api/api-client.ts';
import {
  openDescriptors,
  anonymousKilobytes,
  restingFootprint,
  settleFootprint,
  type Footprint,
} from '../harness/footprint.ts';
import { inParallel, percentile } from './load.ts';

/** `STRESS=10` makes everything ten times as many. */
const factor = Number(process.env['STRESS'] ?? 1);

describe('many containers', () => {
  const stacks: Stack[] = [];
  let stack: Stack;
  let busybox: string;
  let atRest: Footprint;

  before(async function () {
    needRoot(this);
    busybox = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    stacks.push(stack);
    await stack.engineOk('pull', '-q', busybox);
    await stack.engineOk('run', '--rm', busybox, 'true'); // what is made once is made now
    atRest = await restingFootprint(stack);
  });

  after(async () => {
    for (const started of stacks) await started.stop();
  });

  it('start eight at a time and disappear together, while the engine answers', async function () {
    this.timeout(120_000 * factor);
    const count = 50 * factor;
    const started = performance.now();
    const ids = await inParallel(8, count, (index) =>
      stack.engineOk('run', '-d', '--name', `many${index}`, busybox, 'sleep', '1000'),
    );
    const startMs = performance.now() - started;
    const listed = (await stack.engineOk('ps', '-q', '--no-trunc')).split('\n');
    expect(listed.sort()).to.deep.equal([...ids].sort());
    const addresses = await stack.engineOk(
      'inspect',
      '-f',
      '{{.NetworkSettings.IPAddress}}',
      ...ids,
    );
    expect(new Set(addresses.split('\n')).size).to.equal(count);

    const pings: number[] = [];
    let removed = false;
    const pinging = ping(stack, pings, () => removed);
    const removalStarted = performance.now();
    await stack.engineOk('rm', '-f', ...ids);
    removed = true;
    await pinging;
    const removalMs = performance.now() - removalStarted;
    expect(await stack.engineOk('ps', '-aq')).to.equal('');
    expect(await settleFootprint(stack, atRest, ids)).to.deep.equal([]);
    console.log(
      `      ${count} containers started in ${startMs.toFixed(0)} ms, removed in ${removalMs.toFixed(0)} ms;` +
        ` ${pings.length} pings: median ${percentile(pings, 50).toFixed(1)}, 99 % ${percentile(pings, 99).toFixed(1)} ms`,
    );
    expect(percentile(pings, 99)).to.be.lessThan(200);
  });

  it('run one after another and leave neither memory nor descriptors taken', async function () {
    this.timeout(120_000 * factor);
    const measure = () =>
      [stack.enginedPid, stack.containerdPid].map((pid) => ({
        descriptors: openDescriptors(pid),
        kilobytes: anonymousKilobytes(pid),
      }));
    const measures = [measure()];
    for (let round = 0; round < 2; round++) {
      for (let run = 0; run < 20 * factor; run++) {
        await stack.engineOk('run', '--rm', busybox, 'true');
      }
      expect(await settleFootprint(stack, atRest)).to.deep.equal([]);
      measures.push(measure());
    }
    console.log(`      ${JSON.stringify(measures)}`);
    const [first = [], middle = [], last = []] = measures;
    for (const [index, { descriptors, kilobytes }] of last.entries()) {
      expect(descriptors).to.be.at.most((middle[index]?.descriptors ?? 0) + 2);
      // V8 lets a young heap grow by some 50 MB, in steps, before it begins to compact it.
      expect(kilobytes).to.be.lessThan((first[index]?.kilobytes ?? 0) + 80_000);
    }
  });
});

/** Asks `/_ping` every 5 ms until `stopped`, and adds the times in milliseconds to `times`. */
async function ping(stack: Stack, times: number[], stopped: () => boolean): Promise<void> {
  const api = new ApiClient(stack.host);
  while (!stopped()) {
    const started = performance.now();
    expect((await api.call('GET', '/_ping')).status).to.equal(200);
    times.push(performance.now() - started);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
