/** What an OCI runtime is asked for besides the life of a container: new limits, health checks, a user namespace. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { expect } from 'chai';
import { run, runOk, type CommandResult } from '../harness/command.ts';
import { skip } from '../harness/peers.ts';
import { runInTerminal } from '../harness/terminal.ts';
import { waitFor } from '../harness/wait.ts';
import type { RunOptions, RuntimeClient } from './container-client.ts';
import { cgroupsOf, findProcess, readLimit } from './process-limits.ts';

const mebibyte = 1024 * 1024;
/** Where {@link RunOptions.userNamespace} puts root. */
const hostRoot = '100000';

/** Each cell of our runtime calls this once, with a client that is ready when the first test runs. */
export function describeRuntimeUse(title: string, client: () => RuntimeClient): void {
  describe(title, function () {
    this.timeout(60_000);
    const tag = `r${randomBytes(4).toString('hex')}`;
    /** This sleep is known by its length. */
    const seconds = String(100_000_000 + randomBytes(3).readUIntBE(0, 3));

    async function startSleep(name: string, options: RunOptions): Promise<string> {
      const argv = client().runCommand(name, { ...options, detached: true }, ['sleep', seconds]);
      await runOk(...split(argv));
      return waitFor('its process', () => findProcess(['sleep', seconds]));
    }

    const execute = (name: string, ...command: string[]): Promise<CommandResult> =>
      run(...split(client().execCommand(name, {}, command)));

    async function remove(name: string): Promise<void> {
      await client().kill(name, 'KILL');
      expect(await client().exitCode(name)).to.equal(137);
      await client().remove(name);
    }

    it('changes the limits of a running container', async () => {
      const name = `${tag}-update`;
      const cgroups = cgroupsOf(await startSleep(name, { memoryBytes: 64 * mebibyte }));
      const limit = () => readLimit(cgroups, 'memory', ['memory.limit_in_bytes', 'memory.max']);
      expect(limit()).to.equal(64 * mebibyte);
      await client().updateMemory(name, 96 * mebibyte);
      expect(limit()).to.equal(96 * mebibyte);
      await remove(name);
    });

    it('looks after the health of a container', async function () {
      if (!client().abilities.has('health checks')) {
        skip(this, 'the client knows no health checks', { allowedInCi: true });
      }
      const name = `${tag}-health`;
      const healthIs = (wanted: boolean) => async () => (await client().isHealthy(name)) === wanted;
      await startSleep(name, { healthCommand: 'test -e /healthy' });
      await waitFor('it to be unhealthy', healthIs(false));
      expect((await execute(name, 'touch', '/healthy')).status).to.equal(0);
      await waitFor('it to be healthy', healthIs(true));
      expect((await execute(name, 'rm', '/healthy')).status).to.equal(0);
      await waitFor('it to be unhealthy again', healthIs(false));
      await remove(name);
    });
  });
}

/** Of a client that can ask for one, or a daemon all of whose containers have one. */
export function describeUserNamespace(title: string, client: () => RuntimeClient): void {
  describe(`${title}, in a user namespace`, function () {
    this.timeout(60_000);
    const tag = `u${randomBytes(4).toString('hex')}`;
    const seconds = String(100_000_000 + randomBytes(3).readUIntBE(0, 3));

    it('root of the container is somebody else on the host, for execs too', async () => {
      const name = `${tag}-ids`;
      const options = { userNamespace: true, detached: true };
      await runOk(...split(client().runCommand(name, options, ['sleep', seconds])));
      const pid = await waitFor('its process', () => findProcess(['sleep', seconds]));
      expect(/^Uid:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]).to.equal(
        hostRoot,
      );
      const script = 'cat /proc/self/uid_map /proc/self/gid_map; touch /x; stat -c %u:%g /x';
      const { stdout, status } = await run(
        ...split(client().execCommand(name, {}, ['sh', '-c', script])),
      );
      const map = /^\s+0\s+100000\s+65536$/;
      const [users = '', groups = '', owner] = stdout.split('\n');
      expect(users).to.match(map);
      expect(groups).to.match(map);
      expect({ owner, status }).to.deep.equal({ owner: '0:0', status: 0 });
      await client().kill(name, 'KILL');
      expect(await client().exitCode(name)).to.equal(137);
      await client().remove(name);
    });

    it('a terminal is its user’s', async () => {
      const script = 'id -u; echo written > $(tty); stat -c %u $(tty); exit 3';
      const options = { userNamespace: true, terminal: true };
      const argv = client().runCommand(`${tag}-tty`, options, ['sh', '-c', script]);
      const line = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      const { stdout, status } = await runInTerminal(line, { rows: 24, columns: 80 });
      expect(stdout).to.match(/0\r+\nwritten\r+\n0\r+\n/);
      expect(status).to.equal(3);
    });
  });
}

function split([file = '', ...args]: readonly string[]): [string, string[]] {
  return [file, args];
}
