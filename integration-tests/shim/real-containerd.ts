/** A containerd, real or ours, with private folders that finds our shim on its PATH, and containers on it by its API. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { executablePath, installationRoot } from '#lib/installation/installation';
import { defaultSpec } from '#spec/oci/default-spec';
import type { Hooks } from '#spec/oci/hooks';
import { jsonTypes, packAny, packJson } from '#proto/any';
import { ContainerdClient } from '#proto/containerd-client';
import { Options } from '#proto/generated/containerd.runc.v1';
import type { Descriptor, Envelope } from '#proto/generated/containerd.types';
import { run, type CommandResult } from '../harness/command.ts';
import { waitFor } from '../harness/wait.ts';

const applets = [
  ...['sh', 'cat', 'sleep', 'usleep', 'echo', 'true', 'stty', 'tty', 'ps', 'head', 'dd'],
  ...['mkdir', 'setsid', 'seq'],
];

export interface ContainerOptions {
  args: string[];
  terminal?: boolean;
  stdin?: boolean;
  memoryLimitBytes?: number;
  /** URI of a logger for the output, in place of FIFOs. */
  logger?: string;
  /** Runtime by name or path; runc without it. */
  binary?: string;
  annotations?: Record<string, string>;
  hooks?: Hooks;
  /** Continues a saved container. */
  checkpoint?: Descriptor;
  /** Runs in the host's pid namespace. */
  hostPid?: boolean;
}

export interface DaemonOptions {
  daemon?: 'containerd' | 'containerd-lite';
  /** Names the shim. */
  runtime?: string;
  /** Path or name of the runtime that the shim uses; runc without it, our own where it is empty. */
  binary?: string;
}

export class RealContainerd {
  /** Holds everything; removed by {@link stop}. */
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), 'containerd-'));
  readonly namespace = `t${randomBytes(4).toString('hex')}`;
  readonly client: ContainerdClient;
  readonly events: Envelope[] = [];
  private readonly endEvents = new AbortController();
  private daemon: ChildProcess | undefined;

  private readonly options: DaemonOptions;
  private binary: string;

  constructor(options: DaemonOptions = {}) {
    this.options = options;
    this.binary = options.binary ?? 'runc';
    this.client = new ContainerdClient(this.address, { namespace: this.namespace });
    const rootfs = path.join(this.folder, 'rootfs');
    for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp']) {
      fs.mkdirSync(path.join(rootfs, name), { recursive: true });
    }
    fs.copyFileSync('/bin/busybox', path.join(rootfs, 'bin/busybox'));
    for (const applet of applets) fs.symlinkSync('busybox', path.join(rootfs, 'bin', applet));
  }

  /** Lets shims use a script as their runtime. */
  useRuntime(script: string): void {
    this.binary = path.join(this.folder, 'runtime');
    fs.writeFileSync(this.binary, script, { mode: 0o755 });
  }

  get address(): string {
    return path.join(this.folder, 'c.sock');
  }

  get logFile(): string {
    return path.join(this.folder, 'log');
  }

  bundle(id: string): string {
    return path.join(this.folder, 'state/io.containerd.runtime.v2.task', this.namespace, id);
  }

  /** Starts the daemon, also again, and waits until it answers. */
  async start(): Promise<void> {
    const { daemon = 'containerd' } = this.options;
    const config = path.join(this.folder, 'config.toml');
    fs.writeFileSync(
      config,
      [
        'version = 2',
        `root = "${this.folder}/root"`,
        `state = "${this.folder}/state"`,
        ...(daemon === 'containerd' ? ['disabled_plugins = ["io.containerd.grpc.v1.cri"]'] : []),
        `[grpc]\naddress = "${this.address}"`,
      ].join('\n'),
    );
    const log = fs.openSync(this.logFile, 'a');
    const bin = path.join(installationRoot(), 'bin');
    this.daemon = spawn(
      daemon === 'containerd' ? daemon : executablePath(daemon),
      ['--config', config],
      {
        stdio: ['ignore', log, log],
        env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      },
    );
    fs.closeSync(log);
    await waitFor('containerd to answer', () =>
      this.client.version.version({}, { deadlineMs: 1000 }).catch(() => undefined),
    );
    void this.collectEvents();
  }

  /** Sends `signal` to the daemon and waits for its end; shims live on. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { daemon } = this;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const ended = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    this.endEvents.abort();
    const { tasks } = await this.client.tasks.list({}).catch(() => ({ tasks: [] }));
    for (const { id } of tasks) await this.remove(id); // of a test that failed half-way
    this.client.close();
    await this.end('SIGTERM');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  ctr(...args: string[]): Promise<CommandResult> {
    return run('ctr', ['-a', this.address, '-n', this.namespace, ...args]);
  }

  /** Makes the container and its task, which waits for Tasks.Start. The client's ends of the FIFOs are the caller's. */
  async create(id: string, options: ContainerOptions): Promise<ContainerUnderTest> {
    const { args, terminal = false, stdin = false } = options;
    const spec = defaultSpec();
    const process = { ...spec.process, args, terminal, cwd: '/', env: ['PATH=/bin'] };
    const resources = { memory: { limit: options.memoryLimitBytes ?? 256 * 1024 * 1024 } };
    const { namespaces = [] } = spec.linux ?? {};
    const linux = {
      ...spec.linux,
      cgroupsPath: `/${this.namespace}-${id}`,
      resources,
      namespaces: namespaces.filter(({ type }) => type !== 'pid' || !options.hostPid),
    };
    await this.client.containers.create({
      container: {
        id,
        runtime: { name: this.options.runtime ?? 'io.containerd.lite.v2' },
        spec: packJson(jsonTypes.spec, {
          ...spec,
          ociVersion: '1.0.2', // crun 1.8 knows no 1.1
          process,
          linux,
          ...(options.hooks && { hooks: options.hooks }),
          ...(options.annotations && { annotations: options.annotations }),
          root: { path: 'rootfs', readonly: false },
        }),
      },
    });
    const stdio = new ClientStdio(path.join(this.folder, `stdio-${id}`), {
      terminal,
      stdin,
      output: options.logger === undefined,
    });
    const created = this.client.tasks.create({
      containerId: id,
      rootfs: [this.overlay(id)],
      ...(options.logger === undefined
        ? stdio.paths
        : { stdout: options.logger, stderr: options.logger }),
      terminal,
      options: packAny(Options, { binaryName: options.binary ?? this.binary }),
      ...(options.checkpoint && { checkpoint: options.checkpoint }),
    });
    created.catch(() => stdio.abandon()); // nobody opens the other ends any more
    const { pid } = await created;
    return { id, pid, stdio };
  }

  /** Adds an exec and starts it. */
  async exec(
    id: string,
    execId: string,
    { args, terminal = false, stdin = false }: ContainerOptions,
  ): Promise<ContainerUnderTest> {
    const folder = path.join(this.folder, `stdio-${id}-${execId}`);
    const stdio = new ClientStdio(folder, { terminal, stdin });
    const process = { args, terminal, cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 } };
    const exec = { containerId: id, execId };
    const spec = packJson(jsonTypes.process, process);
    await this.client.tasks.exec({ ...exec, ...stdio.paths, terminal, spec });
    const { pid } = await this.client.tasks.start(exec);
    return { id, pid, stdio };
  }

  /** Kills what runs and removes task and container. Returns how the task ended. */
  async remove(id: string): Promise<{ exitStatus: number }> {
    const { tasks, containers } = this.client;
    await tasks.kill({ containerId: id, signal: 9 }).catch(() => undefined); // it may have ended
    const { exitStatus } = await tasks.wait({ containerId: id });
    await tasks.delete({ containerId: id });
    await containers.delete({ id });
    return { exitStatus };
  }

  /** Topics seen so far for a container, in order. */
  topics(id: string): string[] {
    return this.events
      .filter(({ topic, event }) => topic.startsWith('/tasks/') && event?.value.includes(id))
      .map(({ topic }) => topic);
  }

  /** Pid of the shim of a container whose first process lives: its parent. */
  shimPid(id: string): number {
    const init = fs.readFileSync(path.join(this.bundle(id), 'init.pid'), 'utf8');
    const status = fs.readFileSync(`/proc/${init}/status`, 'utf8');
    return Number(/^PPid:\s*(\d+)$/m.exec(status)?.[1]);
  }

  private async collectEvents(): Promise<void> {
    const filters = [`namespace==${this.namespace}`];
    try {
      const { signal } = this.endEvents;
      for await (const event of this.client.events.subscribe({ filters }, { signal })) {
        this.events.push(event);
      }
    } catch {
      // the daemon was ended, or the test is over
    }
  }

  private overlay(id: string): { type: string; source: string; options: string[] } {
    const folder = (name: string) => {
      const made = path.join(this.folder, `${name}-${id}`);
      fs.mkdirSync(made);
      return made;
    };
    return {
      type: 'overlay',
      source: 'overlay',
      options: [
        `lowerdir=${this.folder}/rootfs`,
        `upperdir=${folder('upper')}`,
        `workdir=${folder('work')}`,
      ],
    };
  }
}

export interface ContainerUnderTest {
  id: string;
  pid: number;
  stdio: ClientStdio;
}

/** The client's side of a process's FIFOs, as containerd's Go client makes them. */
export class ClientStdio {
  readonly paths: { stdin: string; stdout: string; stderr: string };
  stdout = '';
  stderr = '';
  readonly ended: Promise<unknown>;
  private readonly input: number | undefined;
  private readonly readers: ChildProcess[] = [];

  constructor(
    folder: string,
    { terminal, stdin, output = true }: { terminal: boolean; stdin: boolean; output?: boolean },
  ) {
    fs.mkdirSync(folder);
    const fifo = (name: string, wanted: boolean): string => {
      if (!wanted) return '';
      const file = path.join(folder, name);
      execFileSync('mkfifo', [file]);
      return file;
    };
    this.paths = {
      stdin: fifo('stdin', stdin),
      stdout: fifo('stdout', output),
      stderr: fifo('stderr', output && !terminal),
    };
    this.input = stdin ? fs.openSync(this.paths.stdin, 'r+') : undefined;
    this.ended = Promise.all([
      this.collect(this.paths.stdout, (text) => (this.stdout += text)),
      this.collect(this.paths.stderr, (text) => (this.stderr += text)),
    ]);
  }

  write(text: string): void {
    if (this.input === undefined) throw new Error('without stdin');
    fs.writeSync(this.input, text);
  }

  /** Reads nothing until {@link resume}. */
  pause(): void {
    for (const reader of this.readers) reader.kill('SIGSTOP');
  }

  resume(): void {
    for (const reader of this.readers) reader.kill('SIGCONT');
  }

  /** Ends readers of a process that never was. */
  abandon(): void {
    for (const reader of this.readers) reader.kill('SIGKILL');
  }

  closeInput(): void {
    if (this.input !== undefined) fs.closeSync(this.input);
  }

  /** `cat` reads the FIFO: a blocking reader, as clients are. */
  private async collect(file: string, add: (text: string) => void): Promise<void> {
    if (file === '') return;
    const reader = spawn('cat', [file], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.readers.push(reader);
    reader.stdout.setEncoding('utf8').on('data', add);
    await new Promise((resolve) => reader.once('close', resolve));
  }
}
