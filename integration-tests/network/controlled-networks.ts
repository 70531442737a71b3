/** engined's networks as a process of their own (engine/test/network/controller-process.ts), in a test namespace. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { StackError, type ErrorKind } from '#spec/errors';
import { run } from '../harness/command.ts';
import type { TestNamespace } from './test-namespace.ts';

const script = path.resolve(import.meta.dirname, '../../engine/test/network/controller-process.ts');

/** What tests look at of a container's network. */
export interface TestedNetwork {
  containerId: string;
  sandboxKey: string;
  netnsPath?: string;
  networkId: string;
  ipAddress: string;
  prefixLength: number;
  gateway: string;
  macAddress: string;
}

interface AnsweredNetwork {
  containerId: string;
  sandboxKey: string;
  netnsPath?: string;
  endpoints: Omit<TestedNetwork, 'containerId' | 'sandboxKey' | 'netnsPath'>[];
}

/** Tests of the default bridge look at the one network that a container has there. */
function withFirstEndpoint({ endpoints, ...network }: AnsweredNetwork): TestedNetwork {
  const [first] = endpoints;
  if (!first) throw new Error(`container ${network.containerId} has no network`);
  return { ...network, ...first };
}

export interface TestedInfo {
  foreignFilters: { chain: string; owner: string; policy: string; accepted: boolean }[];
  warnings: string[];
}

interface Answer {
  result?: unknown;
  error?: string;
  kind?: ErrorKind;
  ms: number;
}

export class ControlledNetworks {
  readonly root = fs.mkdtempSync(path.join(os.tmpdir(), 'networks-'));
  readonly #namespace: TestNamespace;
  readonly #flags: Record<string, unknown>;
  #child: ChildProcess | undefined;
  #answers: AsyncIterator<string> | undefined;
  /** How long the last call took inside the process. */
  lastMs = 0;

  constructor(namespace: TestNamespace, flags: Record<string, unknown> = {}) {
    this.#namespace = namespace;
    this.#flags = flags;
  }

  get netnsFolder(): string {
    return path.join(this.root, 'exec', 'netns');
  }

  /** Starts the process (again), then the networks, taking over `known` containers. */
  async start(known: readonly string[] = []): Promise<TestedNetwork[]> {
    const folders = [path.join(this.root, 'data'), path.join(this.root, 'exec')];
    const log = fs.openSync(path.join(this.root, 'log'), 'a');
    this.#child = spawn(
      'nsenter',
      [
        ...[`--net=${this.#namespace.path}`, '--', process.execPath, script],
        ...[...folders, JSON.stringify(this.#flags)],
      ],
      { stdio: ['pipe', 'pipe', log] },
    );
    fs.closeSync(log);
    const { stdout } = this.#child;
    if (!stdout) throw new Error('no stdout');
    this.#answers = readline.createInterface({ input: stdout })[Symbol.asyncIterator]();
    await this.call('start');
    return ((await this.call('restore', known)) as AnsweredNetwork[]).map(withFirstEndpoint);
  }

  async setUp(
    containerId: string,
    { mode, mac }: { mode: string; mac?: string },
  ): Promise<TestedNetwork> {
    const endpoint = { network: mode, names: [containerId], aliases: [], ...(mac && { mac }) };
    const setup = { endpoints: [endpoint], nameServers: [], ports: [] };
    return withFirstEndpoint((await this.call('setUp', containerId, setup)) as AnsweredNetwork);
  }

  info(): Promise<TestedInfo> {
    return this.call('info') as Promise<TestedInfo>;
  }

  /** Calls a method of the controller; throws what it throws. One call at a time. */
  async call(method: string, ...args: unknown[]): Promise<unknown> {
    this.#child?.stdin?.write(`${JSON.stringify([method, ...args])}\n`);
    const line = await this.#answers?.next();
    if (!line || line.done === true) throw new Error(`process ended: ${this.log()}`);
    const answer = JSON.parse(line.value) as Answer; // written by controller-process.ts
    this.lastMs = answer.ms;
    if (answer.error !== undefined) throw new StackError(answer.kind ?? 'internal', answer.error);
    return answer.result;
  }

  log(): string {
    return fs.readFileSync(path.join(this.root, 'log'), 'utf8');
  }

  /** Ends the process as a power cut would end it, as far as it is concerned. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops the networks, then the process. */
  async stop(): Promise<void> {
    await this.call('stop');
    await this.#end('SIGTERM');
  }

  /** Removes namespaces and the folder, whatever the test came to. */
  async remove(): Promise<void> {
    await this.#end('SIGKILL');
    for (const line of fs.readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
      const target = line.split(' ')[1] ?? '';
      if (target.startsWith(`${this.root}/`)) await run('umount', ['-l', target]);
    }
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}
