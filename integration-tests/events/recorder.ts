/** Follows the events of a daemon while steps are done, and says them without what differs between any two runs. */
import { once } from 'node:events';
import fs from 'node:fs';
import type http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ApiClient } from '../engine-api/api-client.ts';
import { run } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';
import { prelude, type Step } from './actions.ts';

/** A daemon with an image to take from a registry that it reaches. */
export interface Candidate {
  /** DOCKER_HOST. */
  readonly host: string;
  /** `127.0.0.1:PORT/busybox:latest` */
  readonly image: string;
  readonly pid: number;
}

/** An event as the API tells it. */
export interface ToldEvent {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  time: number;
  timeNano: number;
  scope: string;
  /** Fields of the oldest API. */
  status?: string;
  id?: string;
  from?: string;
}

/** The events of each step, by the version of the API that they were asked at. */
export type Recorded = Map<string, ToldEvent[]>;

export class Recorder {
  readonly #candidate: Candidate;
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'events-'));
  readonly #streams: http.IncomingMessage[] = [];
  readonly #told = new Map<string, ToldEvent[]>();
  #marks = 0;

  private constructor(candidate: Candidate) {
    this.#candidate = candidate;
  }

  /** Follows at each of `versions`. */
  static async start(candidate: Candidate, versions: readonly string[]): Promise<Recorder> {
    const recorder = new Recorder(candidate);
    const api = new ApiClient(candidate.host);
    for (const version of versions) {
      const stream = await api.open('GET', `/v${version}/events`);
      const told: ToldEvent[] = [];
      recorder.#streams.push(stream);
      recorder.#told.set(version, told);
      createInterface({ input: stream }).on('line', (line) =>
        told.push(JSON.parse(line) as ToldEvent),
      );
      stream.on('error', () => undefined); // stop() ends it
    }
    return recorder;
  }

  /** Does one step. Resolves to its events at each version. */
  async record({ name, script, last }: Step): Promise<Recorded> {
    const { host, image, pid } = this.#candidate;
    const env = {
      ...{ DOCKER_HOST: host, IMAGE: image, REGISTRY: image.split('/')[0], W: this.#folder },
      ...{ DAEMON_PID: String(pid) },
    };
    const from = new Map([...this.#told].map(([version, told]) => [version, told.length]));
    const since = (version: string): ToldEvent[] =>
      (this.#told.get(version) ?? []).slice(from.get(version));
    const { status, stdout, stderr } = await run('bash', ['-c', prelude + script], { env });
    if (status !== 0) throw new Error(`"${name}" ended with ${String(status)}: ${stdout}${stderr}`);
    const [newest = ''] = [...this.#told.keys()].slice(-1);
    await waitFor(`${last} of "${name}"`, () =>
      since(newest).some(({ Type, Action }) => `${Type} ${Action}` === last),
    ).catch(() => undefined); // what is missing is seen when events are compared
    const mark = `mark-${++this.#marks}`;
    const api = new ApiClient(host);
    await api.call('POST', '/v1.24/volumes/create', { Name: mark });
    await api.call('DELETE', `/v1.24/volumes/${mark}`);
    const isMark = ({ Actor }: ToldEvent): boolean => Actor.ID === mark;
    await waitFor(`the end of "${name}"`, () =>
      [...this.#told.keys()].every((version) => since(version).filter(isMark).length === 2),
    );
    return new Map(
      [...this.#told.keys()].map((version) => [
        version,
        since(version).filter((event) => !isMark(event)),
      ]),
    );
  }

  async stop(): Promise<void> {
    for (const stream of this.#streams) {
      const closed = once(stream, 'close');
      stream.destroy();
      await closed;
    }
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }
}
