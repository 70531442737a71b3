/** Several clients do different things to the same container: each gets a clear answer, and the container obeys the next. */
import { expect } from 'chai';
import { ApiClient, type ApiAnswer } from '../engine-api/api-client.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { Stack } from '../harness/stack.ts';
import { restingFootprint, settleFootprint, type Footprint } from '../harness/footprint.ts';
import { inParallel } from './load.ts';

const rounds = 6 * Number(process.env['STRESS'] ?? 1);

/** What a client may be told: done, no change, not there, not now. */
const clearAnswers = [200, 201, 204, 304, 404, 409];

describe('clients that race for one container', () => {
  const stacks: Stack[] = [];
  let stack: Stack;
  let api: ApiClient;
  let image: string;
  let atRest: Footprint;

  before(async function () {
    needRoot(this);
    image = `${await devRegistry(this)}/busybox`;
    stack = await Stack.start();
    stacks.push(stack);
    await stack.engineOk('pull', '-q', image);
    await stack.engineOk('run', '--rm', image, 'true');
    atRest = await restingFootprint(stack);
    api = new ApiClient(stack.host);
  });

  after(async () => {
    for (const started of stacks) await started.stop();
  });

  const create = (name: string, extra: object = {}): Promise<ApiAnswer> =>
    api.call('POST', `/containers/create?name=${name}`, {
      Image: image,
      Cmd: ['sleep', '1000'],
      ...extra,
    });
  const post = (name: string, action: string): Promise<ApiAnswer> =>
    api.call('POST', `/containers/${name}/${action}`);
  const remove = (name: string): Promise<ApiAnswer> =>
    api.call('DELETE', `/containers/${name}?force=true`);

  function expectClear(answers: ApiAnswer[]): void {
    for (const { status, body } of answers) {
      expect(clearAnswers, JSON.stringify(body)).to.include(status);
    }
  }

  /** Removes what is left under `name`: at most one container, which must not resist. */
  async function expectRemovable(name: string): Promise<void> {
    expect([204, 404]).to.include((await remove(name)).status);
    expect((await api.call('GET', `/containers/${name}/json`)).status).to.equal(404);
    expect(await settleFootprint(stack, atRest)).to.deep.equal([]);
  }

  it('one wins the name', async () => {
    const answers = await inParallel(8, 8, () => create('name'));
    expect(answers.filter(({ status }) => status === 201)).to.have.lengthOf(1);
    expect(answers.filter(({ status }) => status === 409)).to.have.lengthOf(7);
    await expectRemovable('name');
  });

  it('one starts it, the others learn that it runs', async () => {
    await create('started');
    const answers = await inParallel(8, 8, () => post('started', 'start'));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([
      204, 304, 304, 304, 304, 304, 304, 304,
    ]);
    await expectRemovable('started');
  });

  it('all who remove it are told that it is gone', async () => {
    await create('removed');
    await post('removed', 'start');
    const answers = await inParallel(8, 8, () => remove('removed'));
    expectClear(answers);
    expect(answers.some(({ status }) => status === 204)).to.equal(true);
    await expectRemovable('removed');
  });

  it('forced removal wins against a start that is under way', async function () {
    this.timeout(60_000);
    for (let round = 0; round < rounds; round++) {
      await create('contested');
      const [start, removal] = await Promise.all([
        post('contested', 'start'),
        new Promise((resolve) => setTimeout(resolve, round * 20)).then(() => remove('contested')),
      ]);
      expectClear([start]);
      expect(removal.status, JSON.stringify(removal.body)).to.equal(204);
      expect((await api.call('GET', '/containers/contested/json')).status).to.equal(404);
    }
    await expectRemovable('contested');
  });

  it('whoever does whatever', async function () {
    this.timeout(120_000 * rounds);
    const actions = [
      () => create('mixed'),
      () => post('mixed', 'start'),
      () => post('mixed', 'start'),
      () => post('mixed', 'stop?t=0'),
      () => post('mixed', 'kill'),
      () => post('mixed', 'kill?signal=STOP'),
      () => post('mixed', 'restart?t=0'),
      () => post('mixed', 'pause'),
      () => post('mixed', 'unpause'),
      () => post('mixed', 'rename?name=mixed'),
      () => api.call('GET', '/containers/mixed/json'),
      () => api.call('GET', '/containers/json?all=1&size=1'),
      () => api.call('GET', '/containers/mixed/logs?stdout=1'),
      () => remove('mixed'),
    ];
    const seen = new Map<string, number>();
    await inParallel(6, 25 * rounds, async (index) => {
      const choice = (index * 7 + Math.floor(index / 5)) % actions.length;
      const answer = await actions[choice]?.();
      if (!answer) return;
      const allowed = [...clearAnswers, 400];
      const what = `action ${choice}: ${JSON.stringify(answer.body)}`;
      expect(allowed, what).to.include(answer.status);
      seen.set(`${choice}:${answer.status}`, (seen.get(`${choice}:${answer.status}`) ?? 0) + 1);
    });
    await expectRemovable('mixed');
  });

  it('a container that removes itself is also removed by others', async function () {
    this.timeout(60_000);
    for (let round = 0; round < rounds; round++) {
      await create('self', { Cmd: ['sleep', '0.1'], HostConfig: { AutoRemove: true } });
      await post('self', 'start');
      await new Promise((resolve) => setTimeout(resolve, 60 + round * 10));
      expectClear(
        await Promise.all([
          remove('self'),
          post('self', 'kill'),
          post('self', 'stop'),
          remove('self'),
        ]),
      );
    }
    await expectRemovable('self');
  });
});
