/**
 * SIGKILL of the runtime before each of its operations, one after the other: every handshake with the loader, every
 * change of a file, a cgroup or a process. Then `delete --force` leaves nothing of the container.
 */
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { needPeers } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { describeContainers, type Fixture } from '../runtime/fixture.ts';
import { ServingRuntime } from '../runtime/serving-runtime.ts';
import { leftoversOf } from '../runtime/leftovers.ts';
import { processesOfSession } from '../runtime/session.ts';
import { runInSession, Tracer, type Operation } from './operations.ts';

interface KilledCommand {
  title: string;
  /** Verb and flags; the container's id follows. */
  verb: readonly string[];
  /** What follows the id. */
  command?: readonly string[];
  /** Verbs that make what it works on. */
  prepare: readonly string[];
  /** What the container executes, if not something that lasts. */
  args?: readonly string[];
  terminal?: boolean;
  /** Whether the container has the pid namespace of the host: its processes do not end with the first one. */
  sharesPids?: boolean;
  /** Whether the container that was there must go on as it was. */
  harmless?: boolean;
}

const commands: readonly KilledCommand[] = [
  { title: 'create', verb: ['create'], prepare: [] },
  { title: 'start', verb: ['start'], prepare: ['create'] },
  { title: 'run --detach', verb: ['run', '--detach'], prepare: [] },
  { title: 'run with a terminal', verb: ['run'], prepare: [], args: ['true'], terminal: true },
  {
    title: 'exec --detach',
    verb: ['exec', '--detach'],
    command: ['sleep', '61'],
    prepare: ['create', 'start'],
    harmless: true,
  },
  {
    title: 'exec --detach without a pid namespace',
    verb: ['exec', '--detach'],
    command: ['sleep', '61'],
    prepare: ['create', 'start'],
    harmless: true,
    sharesPids: true,
  },
  {
    title: 'exec with a terminal',
    verb: ['exec', '--tty'],
    command: ['true'],
    prepare: ['create', 'start'],
    harmless: true,
    sharesPids: true,
  },
  { title: 'delete', verb: ['delete', '--force'], prepare: ['create', 'start'] },
];

describeContainers('a runtime that is killed before each of its operations', (fixture) => {
  let helper: ServingRuntime;
  let tracer: Tracer;

  before(function () {
    needPeers(this, 'strace');
  });
  beforeEach(() => {
    helper = new ServingRuntime();
    tracer = new Tracer(fixture().bundle.directory);
  });
  afterEach(() => helper.end());

  const call = async (...args: string[]): Promise<number | undefined> => {
    const { bundle } = fixture();
    return helper.call({ args: ['--root', bundle.root, ...args], cwd: bundle.directory });
  };

  async function prepare({ prepare }: KilledCommand): Promise<void> {
    const { id } = fixture();
    for (const verb of prepare) expect(await call(verb, id), verb).to.equal(0);
  }

  async function record(killed: KilledCommand): Promise<Operation[]> {
    const { bundle, id } = fixture();
    await prepare(killed);
    await runInSession(tracer.record(commandLine(fixture(), killed)), bundle.directory);
    await call('delete', '--force', id);
    return tracer.operations(bundle.root);
  }

  for (const killed of commands) {
    it(`${killed.title} leaves what delete --force removes`, async function () {
      this.timeout(300_000);
      const { bundle, id } = fixture();
      bundle.configure([...(killed.args ?? ['sleep', '60'])], ({ process, linux }) => {
        process.terminal = killed.terminal ?? false;
        if (!killed.sharesPids) return;
        linux!.namespaces = linux!.namespaces!.filter(({ type }) => type !== 'pid');
      });
      const operations = await record(killed);
      let kills = 0;
      for (const operation of operations) {
        const when = `killed at ${operation.text}`;
        await prepare(killed);
        const line = tracer.kill(operation, commandLine(fixture(), killed));
        const { session, wasKilled } = await runInSession(line, bundle.directory);
        if (wasKilled) kills++;
        if (killed.harmless) {
          expect(JSON.parse(bundle.run(['state', id]).stdout), when).to.include({
            status: 'running',
          });
        }
        expect(await call('delete', '--force', id), when).to.equal(0);
        await expectNothing(when, session);
      }
      expectKills(kills, operations);
    });
  }

  it('serve leaves what delete --force removes', async function () {
    this.timeout(300_000);
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    const serve = [executablePath('runtime'), 'serve'];
    const requests = [['create'], ['start'], ['delete', '--force']];
    const recorded = new ServingRuntime(tracer.record(serve));
    for (const verb of requests) {
      const args = ['--root', bundle.root, ...verb, id];
      expect(await recorded.call({ args, cwd: bundle.directory })).to.equal(0);
    }
    await recorded.end();
    const operations = tracer.operations(bundle.root);
    let kills = 0;
    for (const operation of operations) {
      const server = new ServingRuntime(tracer.kill(operation, serve));
      let exitCode: number | undefined = 0;
      for (const verb of requests) {
        const args = ['--root', bundle.root, ...verb, id];
        exitCode = await server.call({ args, cwd: bundle.directory });
        if (exitCode === undefined) break;
      }
      await server.end();
      if (exitCode === undefined) kills++;
      const when = `killed at ${operation.text}`;
      // At once, as the shim does: the loader may still be about to find out.
      expect(await call('delete', '--force', id), when).to.equal(0);
      await expectNothing(when);
    }
    expectKills(kills, operations);
  });

  async function expectNothing(when: string, session?: number): Promise<void> {
    const left = () => [
      ...(session === undefined ? [] : processesOfSession(session).map((pid) => `loader ${pid}`)),
      ...leftoversOf(fixture()),
    ];
    await waitFor('nothing is left', () => left().length === 0).catch(() => undefined);
    expect(left(), when).to.deep.equal([]);
  }
});

/** Two runs of a command are nearly, not always exactly, alike: how often it looks whether somebody is gone may differ. */
function expectKills(kills: number, operations: readonly Operation[]): void {
  expect(operations.length, 'operations').to.be.above(2);
  expect(kills, `of ${operations.length} operations`).to.be.at.least(operations.length * 0.75);
}

function commandLine({ bundle, id }: Fixture, { verb, command = [] }: KilledCommand): string[] {
  return [executablePath('runtime'), '--root', bundle.root, ...verb, id, ...command];
}
