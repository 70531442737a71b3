/** Twenty containers of every kind that a daemon looks after, and what each of them must be when it is over. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';
import { inParallel } from '../stress/load.ts';

export type Kind = 'writer' | 'server' | 'watched' | 'retrier' | 'ender' | 'victim';

export interface LoadedContainer {
  readonly name: string;
  readonly id: string;
  readonly kind: Kind;
  /** How often it, or its shim, was killed. */
  kills: number;
  /** How often it had begun when it was killed last. */
  begunBefore: number;
}

interface Plan {
  readonly count: number;
  readonly options: (name: string) => readonly string[];
  readonly script: string;
}

const write = 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';

const plans: Readonly<Record<Kind, Plan>> = {
  /** Goes on through everything, and ends with 7 when it is stopped. */
  writer: { count: 6, options: () => [], script: `trap "exit 7" TERM; ${write}` },
  /** Comes back whenever it is killed, and notes each of its starts in a volume. */
  server: {
    count: 4,
    options: (name) => [
      ...['--restart', 'always', '-p', '0:80', '-v', `${name}:/data`, '--stop-timeout', '0'],
    ],
    script:
      'mkdir -p /w; cp /etc/hostname /w/index.html; echo start >> /data/starts; exec httpd -f -h /w',
  },
  watched: {
    count: 3,
    options: () => ['--health-cmd', 'test -e /ready', '--health-interval', '300ms'],
    script: 'touch /ready; trap "exit 8" TERM; while :; do sleep 0.1; done',
  },
  /** Is tried four times in all. */
  retrier: {
    count: 3,
    options: () => ['--restart', 'on-failure:3'],
    script: 'echo try; sleep 1; exit 9',
  },
  ender: { count: 2, options: () => [], script: 'sleep 6; echo end; exit 33' },
  /** Is killed once, and stays so. */
  victim: { count: 2, options: () => [], script: write },
};

export class MixedLoad {
  readonly #stack: Stack;
  readonly #containers: LoadedContainer[];

  private constructor(stack: Stack, containers: LoadedContainer[]) {
    this.#stack = stack;
    this.#containers = containers;
  }

  static async start(stack: Stack, image: string): Promise<MixedLoad> {
    const names = Object.entries(plans).flatMap(([kind, { count }]) =>
      Array.from({ length: count }, (_, index) => ({
        kind: kind as Kind,
        name: `${kind}${index}`,
      })),
    );
    const containers = await inParallel(4, names.length, async (index) => {
      const { kind, name } = names[index] ?? { kind: 'writer', name: '' };
      const { options, script } = plans[kind];
      const run = ['run', '-d', '--name', name, ...options(name), image, 'sh', '-c', script];
      const { status, stdout, stderr } = await stack.docker(...run);
      expect(status, `docker ${run.join(' ')}: ${stderr}`).to.equal(0);
      const id = stdout.trim();
      return { name, id, kind, kills: 0, begunBefore: 0 };
    });
    return new MixedLoad(stack, containers);
  }

  get names(): string[] {
    return this.#containers.map(({ name }) => name);
  }

  /** Those of `kind`, in the order of their names. */
  all(kind: Kind): readonly LoadedContainer[] {
    return this.#containers.filter((container) => container.kind === kind);
  }

  /** Whether it has begun since it was killed last, so that a kill now ends another life of it. */
  isUp(server: LoadedContainer): boolean {
    return this.begun(server) > server.begunBefore && this.pid(server, 'init.pid') !== undefined;
  }

  /** How often a server has begun. */
  begun({ name }: LoadedContainer): number {
    const file = path.join(this.#stack.root, 'data/volumes', name, '_data/starts');
    return fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split('\n').length : 0;
  }

  /** pid of a container's process or shim, from the bundle: no daemon need be asked. Undefined while it has none. */
  pid({ id }: LoadedContainer, file: 'init.pid' | 'shim.pid'): number | undefined {
    const bundles = 'run/containerd-lite/state/io.containerd.runtime.v2.task/engine';
    try {
      const text = fs.readFileSync(path.join(this.#stack.root, bundles, id, file), 'utf8');
      const pid = Number(text);
      process.kill(pid, 0);
      return pid > 0 ? pid : undefined;
    } catch {
      return undefined; // it has ended, or not begun
    }
  }

  /** Every survivor has written each of its lines, once and in order, and ends as it does when it is stopped. */
  async expectWriters(): Promise<void> {
    for (const { name } of this.all('writer')) {
      expect(await this.#state(name), name).to.equal('running 0 0');
      expectEveryLine(name, await this.#stack.engineOk('logs', name));
      await this.#stack.engineOk('stop', name);
      expect(await this.#state(name), name).to.equal('exited 7 0');
      expectEveryLine(name, await this.#stack.engineOk('logs', name));
    }
  }

  /**
   * Every one that was killed has come back, lives once, and is reached at its port. A start that containerd-lite did not live to
   * answer is made again, so one may have begun more often than it was killed.
   */
  async expectServers(): Promise<void> {
    for (const server of this.all('server')) {
      const { name, id, kills } = server;
      await waitFor(`${name} to be up`, () => this.isUp(server), 90_000); // the back-off grows to a minute
      expect(this.begun(server), `lives of ${name}`).to.be.greaterThan(kills);
      const port = await waitFor('its port', async () => {
        const { stdout } = await this.#stack.engine('port', name, '80');
        return /:(\d+)$/m.exec(stdout)?.[1];
      });
      await waitFor(`the page of ${name}`, async () => {
        const page = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
        return (await page?.text())?.trim() === id.slice(0, 12);
      });
      expect(await this.#processes(name), `processes of ${name}`).to.have.length(1);
    }
  }

  /** Every one is healthy again, and no health check is left in it. */
  async expectWatched(): Promise<void> {
    for (const { name } of this.all('watched')) {
      const status = ['inspect', '-f', '{{.State.Health.Status}} {{.State.Health.FailingStreak}}'];
      await waitFor(
        `${name} to be healthy`,
        async () => (await this.#stack.engineOk(...status, name)) === 'healthy 0',
      );
      await waitFor(`${name} to have no more than its own processes`, async () => {
        return (await this.#processes(name)).length <= 3; // shell and sleep, a check under way
      });
      await this.#stack.engineOk('stop', name);
      expect(await this.#state(name), name).to.equal('exited 8 0');
    }
  }

  /** Those that ended by themselves, and those that were ended, say how. */
  async expectEnds(): Promise<void> {
    for (const { name } of this.all('ender')) {
      expect(await this.#stack.engineOk('wait', name), name).to.equal('33');
      expect(await this.#stack.engineOk('logs', name), name).to.equal('end');
    }
    for (const { name } of this.all('retrier')) {
      const last = 'exited 9 3';
      await waitFor(`${name} to give up`, async () => (await this.#state(name)) === last, 60_000);
      expect(await this.#stack.engineOk('logs', name), name).to.equal('try\ntry\ntry\ntry');
    }
    for (const { name } of this.all('victim')) {
      expect(await this.#stack.engineOk('wait', name), name).to.equal('137');
      expect(await this.#state(name), name).to.equal('exited 137 0');
      const lines = await this.#stack.engineOk('logs', name);
      if (lines !== '') expectEveryLine(name, lines);
    }
  }

  /** Removes them and their volumes. */
  async remove(): Promise<void> {
    await this.#stack.engineOk('rm', '-f', ...this.names);
    await this.#stack.engineOk('volume', 'rm', ...this.all('server').map(({ name }) => name));
  }

  async #processes(name: string): Promise<string[]> {
    const { status, stdout, stderr } = await this.#stack.docker('top', name);
    expect(status, `docker top ${name}: ${stderr}`).to.equal(0);
    return stdout.trim().split('\n').slice(1);
  }

  /** Status, exit code, number of restarts. */
  #state(name: string): Promise<string> {
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}';
    return this.#stack.engineOk('inspect', '-f', format, name);
  }
}

function expectEveryLine(name: string, log: string): void {
  const lines = log.split('\n').map(Number);
  const wrong = lines.findIndex((line, index) => line !== index + 1);
  const around = lines.slice(Math.max(0, wrong - 2), wrong + 3).join(' ');
  expect(wrong, `${name}, of ${lines.length} lines: … ${around} …`).to.equal(-1);
}
