/**
 * SIGKILL of the runtime at any moment of a create: what it made dies with it, except for a container that was already
 * on record, and `delete` removes what is left. The moments are random; a failure prints the one that it was.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { waitFor } from '../harness/wait.ts';
import { cgroupsOf, describeContainers, processesIn, type Fixture } from './fixture.ts';
import { processesOfSession } from './session.ts';

const rounds = Number(process.env.KILL_ROUNDS ?? 50);

interface State {
  status: string;
  pid: number;
}

async function createAndKill({ bundle, id }: Fixture, delayMs: number) {
  const child = spawn(executablePath('runtime'), ['--root', bundle.root, 'create', id], {
    cwd: bundle.directory,
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  const { pid } = child;
  if (pid === undefined) throw new Error('the runtime did not start');
  await sleep(delayMs);
  child.kill('SIGKILL');
  const [code] = await ended;
  return { session: pid, code };
}

describeContainers('a runtime that is killed during create', (fixture) => {
  it(`leaves nothing alive, and delete removes the rest (${rounds} times)`, async function () {
    this.timeout(rounds * 2000);
    const { bundle, id } = fixture();
    bundle.configure(['sleep', '60']);
    const seen = { killed: 0, created: 0, refused: 0 };
    let longestMs = 200;
    for (let round = 0; round < rounds; round++) {
      const delayMs = Math.random() * longestMs;
      const when = `round ${round}, after ${delayMs.toFixed(1)} ms`;
      const { session, code } = await createAndKill(fixture(), delayMs);
      await waitFor(`no loader lives (${when})`, () => processesOfSession(session).length === 0);
      const known = bundle.run(['list', '-q']).stdout !== '';
      const state = known
        ? (JSON.parse(bundle.run(['state', id]).stdout) as State)
        : { status: 'none', pid: 0 };
      if (state.status === 'created') {
        seen.created++;
        longestMs = Math.max(20, delayMs); // later is no different
        expect(processesIn(id), when).to.deep.equal([String(state.pid)]);
      } else {
        seen.killed++;
        longestMs += 5;
        expect(['stopped', 'none'], when).to.include(state.status);
        expect(state.pid, when).to.equal(0);
        await waitFor(`nothing lives (${when})`, () => processesIn(id).length === 0);
      }
      if (code === 1) seen.refused++;
      expect(bundle.run(['delete', '--force', id]), when).to.include({ status: 0, stderr: '' });
      expect(processesIn(id), when).to.deep.equal([]);
      expect(cgroupsOf(id), when).to.deep.equal([]);
    }
    expect(seen.killed, 'moments before the end').to.be.above(rounds / 10);
    expect(seen.created, 'moments after it').to.be.above(0);
    expect(seen.refused, 'creates that failed by themselves').to.equal(0);
    expect(bundle.run(['create', id])).to.deep.equal({ status: 0, stdout: '', stderr: '' });
  });
});
