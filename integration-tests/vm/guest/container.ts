/** A container of the `runtime` executable inside the virtual machine: its bundle, its cgroup, its verbs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const rootfs = '/run/rootfs';
export const cgroupRoot = '/sys/fs/cgroup';
export const runtimePath = '/engine/bin/runtime';
export const bundles = '/run/bundles';
const outputFile = '/run/output';
const commandTimeoutMs = 60_000;
const waitTimeoutMs = 30_000;

/** As much of config.json as the checks change. */
export interface Config {
  process: { args: string[]; terminal: boolean; cwd: string; [property: string]: unknown };
  root: { path: string; readonly: boolean };
  mounts: { destination: string; type: string; source: string; options?: string[] }[];
  linux: {
    cgroupsPath?: string;
    namespaces: { type: string; path?: string }[];
    resources: Record<string, unknown>;
    [property: string]: unknown;
  };
  [property: string]: unknown;
}

export interface Result {
  readonly status: number | null;
  /** stdout and stderr, in the order they were written. */
  readonly output: string;
}

/** Who starts the runtime, and from which directory of the cgroup file system. */
export interface Caller {
  readonly uid: number;
  readonly group: string;
  readonly env: Readonly<Record<string, string>>;
}

const asRoot: Caller = { uid: 0, group: cgroupRoot, env: {} };

/** Runs a program with its output in a file, because a container's process keeps it open. Never throws. */
export function run(args: readonly string[], caller: Caller = asRoot): Result {
  const [file = '', ...rest] = args;
  const enter = (group: string) => fs.writeFileSync(path.join(group, 'cgroup.procs'), '0');
  const log = fs.openSync(outputFile, 'a');
  enter(caller.group);
  try {
    const { status, error } = spawnSync(file, rest, {
      stdio: ['ignore', log, log],
      uid: caller.uid,
      gid: caller.uid,
      env: { ...process.env, ...caller.env },
      timeout: commandTimeoutMs,
      killSignal: 'SIGKILL',
    });
    const output = fs.readFileSync(outputFile, 'utf8');
    return { status, output: error ? `${output}${error.message}` : output };
  } finally {
    enter(cgroupRoot);
    fs.closeSync(log);
    fs.rmSync(outputFile);
  }
}

/** Of the check that runs. */
const containers = new Set<Container>();

/** Deletes what a check left, and says what could not be deleted or what stayed in the cgroup file system. */
export function removeContainers(): string | undefined {
  const problems: string[] = [];
  for (const container of containers) {
    if (container.mayExist) {
      const { status, output } = container.runtime('delete', '--force', container.id);
      if (status !== 0) problems.push(`delete --force ${container.id}: ${output}`);
    }
    if (fs.existsSync(container.cgroup)) problems.push(`${container.cgroup} is left`);
  }
  containers.clear();
  fs.rmSync(bundles, { recursive: true, force: true });
  return problems.length > 0 ? problems.join('\n') : undefined;
}

const configs = new Map<string, string>();

/** What `runtime spec` writes, which is asked once for each set of flags. */
function defaultConfig(flags: readonly string[]): Config {
  const key = flags.join(' ');
  let text = configs.get(key);
  if (text === undefined) {
    const directory = fs.mkdtempSync('/run/spec-');
    const { status, output } = run([runtimePath, 'spec', '--bundle', directory, ...flags]);
    assert.equal(status, 0, `spec: ${output}`);
    text = fs.readFileSync(path.join(directory, 'config.json'), 'utf8');
    configs.set(key, text);
  }
  return JSON.parse(text) as Config; // written by our own program
}

export class Container {
  readonly id: string;
  /** Its directory in the cgroup file system. */
  readonly cgroup: string;
  /** Whether it was created and not yet deleted. */
  mayExist = false;
  readonly bundle: string;
  readonly #caller: Caller;

  /** Makes the bundle. `change` edits the configuration that `runtime spec` writes. */
  constructor(
    args: string[],
    change: (config: Config) => void = () => undefined,
    { caller = asRoot, specFlags = [] }: { caller?: Caller; specFlags?: string[] } = {},
  ) {
    this.id = `c${containers.size}`;
    this.bundle = path.join(bundles, this.id);
    this.#caller = caller;
    fs.mkdirSync(this.bundle, { recursive: true });
    const config = defaultConfig(specFlags);
    config.process = { ...config.process, args, terminal: false };
    config.root = { path: rootfs, readonly: false };
    if (specFlags.length === 0) config.linux.cgroupsPath = `/checks/${this.id}`;
    change(config);
    this.cgroup = path.join(cgroupRoot, config.linux.cgroupsPath ?? this.id);
    fs.writeFileSync(path.join(this.bundle, 'config.json'), JSON.stringify(config));
    containers.add(this);
  }

  /** Any command line of the runtime. */
  runtime(...args: string[]): Result {
    return run([runtimePath, ...args], this.#caller);
  }

  /** One that must succeed; returns what was printed. */
  ok(...args: string[]): string {
    const { status, output } = this.runtime(...args);
    assert.equal(status, 0, `runtime ${args.join(' ')}: ${output}`);
    if (args[0] === 'delete') this.mayExist = false;
    return output.trimEnd();
  }

  /** From the beginning to the end; the status is the process's own. */
  runToEnd(): Result {
    return this.runtime('run', '--bundle', this.bundle, this.id);
  }

  create(): Result {
    const result = this.runtime('create', '--bundle', this.bundle, this.id);
    this.mayExist = result.status === 0;
    return result;
  }

  /** Create and start, each of which must succeed. */
  start(): this {
    const { status, output } = this.create();
    assert.equal(status, 0, `runtime create: ${output}`);
    this.ok('start', this.id);
    return this;
  }

  exec(...args: string[]): Result {
    return this.runtime('exec', this.id, ...args);
  }

  state(): { status: string; pid: number } {
    return JSON.parse(this.ok('state', this.id)) as { status: string; pid: number };
  }

  /** Content of one of the files of its cgroup, without the last newline. */
  file(name: string): string {
    return fs.readFileSync(path.join(this.cgroup, name), 'utf8').trimEnd();
  }

  /** The number after `key` in a file of lines `key number`. */
  keyed(name: string, key: string): number {
    const value = new RegExp(`^${key} (\\d+)$`, 'm').exec(this.file(name))?.[1];
    assert.notEqual(value, undefined, `${name} has no ${key}`);
    return Number(value);
  }
}

/** Asks until the answer is true. Throws after 30 seconds. */
export async function waitFor(what: string, condition: () => boolean): Promise<void> {
  for (const deadline = Date.now() + waitTimeoutMs; !condition();) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await delay(50);
  }
}

/** Adds what a check of `config.linux.resources` asks for to the device rules that are there. */
export function limits(resources: Record<string, unknown>): (config: Config) => void {
  return ({ linux }) => {
    linux.resources = { ...linux.resources, ...resources };
  };
}
