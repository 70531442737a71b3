/** Runs the runtime by runc's command line and turns its failures into the messages that containerd's clients know. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '#spec/errors';
import { ReportedError } from '#proto/status';
import type { ShimLog } from './log.ts';
import type { Reaper } from './reaper.ts';
import { runtimeEnvironment } from './runtime-environment.ts';
import type { RuntimeOptions } from './runtime-options.ts';
import type { ServedRuntime } from './served-runtime.ts';

export interface RuntimeCall {
  /** Verb, its flags and arguments. */
  args: readonly string[];
  /** Descriptors 0 to 2; without it nothing goes in and what comes out is collected. */
  stdio?: readonly (number | 'ignore')[];
  /** Takes a process of its own: others may wait for the one that serves. */
  isLong?: boolean;
  /** What it says when asked for something that has been done: success, where a server died before it could answer. */
  doneAlready?: readonly string[];
}

export interface RuntimeCommandParts {
  /** Without it the process must have no other children. */
  reaper?: Reaper;
  /** Makes the calls of our own runtime while it lives. */
  server?: ServedRuntime;
  /** Is told about every call. */
  log?: ShimLog;
}

/** A runtime for one container. */
export class RuntimeCommand {
  private readonly options: RuntimeOptions;
  private readonly bundle: string;
  private readonly reaper: Reaper | undefined;
  private readonly server: ServedRuntime | undefined;
  private readonly log: ShimLog | undefined;
  private calls = 0;

  constructor(
    options: RuntimeOptions,
    bundle: string,
    { reaper, server, log }: RuntimeCommandParts = {},
  ) {
    this.options = options;
    this.bundle = bundle;
    this.reaper = reaper;
    this.server = server;
    this.log = log;
  }

  /**
   * Runs it to its end and returns its stdout. Where it fails, throws `<what>: <the last error in its log>`, and
   * without a log what it printed.
   */
  async run(what: string, call: RuntimeCall): Promise<string> {
    const startedMs = performance.now();
    const log = path.join(this.bundle, `runtime-log.${process.pid}.${(this.calls += 1)}.json`);
    try {
      const { failure, stdout, stderr, isRepeat } = await this.execute(call, log);
      if (failure === undefined) return stdout;
      const reason = lastError(log) ?? (stderr.trim() || stdout.trim() || failure);
      if (isRepeat && call.doneAlready?.some((text) => reason.includes(text))) return stdout;
      throw new ReportedError(`${what}: ${reason}`);
    } finally {
      fs.rmSync(log, { force: true });
      const durationMs = performance.now() - startedMs;
      const verb = `runtime ${call.args[0] ?? ''}`;
      this.log?.debug('call', { component: 'runtime', call: verb, durationMs });
    }
  }

  private async execute(call: RuntimeCall, log: string): Promise<Outcome> {
    const globalFlags = ['--root', this.options.root, '--log', log, '--log-format', 'json'];
    if (this.options.systemdCgroup) globalFlags.push('--systemd-cgroup');
    const line = [...globalFlags, ...call.args];
    if (call.isLong || !this.server?.accepts(this.options.binary)) {
      return this.spawn(line, call.stdio);
    }
    const stdio = call.stdio ?? ['ignore', 'ignore', 'ignore'];
    const result = await this.server.call({ args: line, cwd: this.bundle, stdio });
    if (result === 'declined') return this.spawn(line, call.stdio);
    if (result !== 'killed') return { failure: failureOf(result), stdout: '', stderr: '' };
    // What makes a process is not repeated: its stdio may be in use. All else is the same when done twice.
    if (call.stdio) return { failure: 'the runtime was killed', stdout: '', stderr: '' };
    return { ...(await this.spawn(line, undefined)), isRepeat: true };
  }

  private spawn(args: readonly string[], stdio: RuntimeCall['stdio']): Promise<Outcome> {
    return new Promise((resolve) => {
      const child = spawn(this.options.binary, args, {
        cwd: this.bundle,
        env: runtimeEnvironment(),
        stdio: stdio ? [...stdio] : ['ignore', 'pipe', 'pipe'],
      });
      const output = { stdout: '', stderr: '' };
      child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
      this.reaper?.leaveToLibuv(child);
      child.once('error', (error) => {
        resolve({ failure: `cannot run ${this.options.binary}: ${messageOf(error)}`, ...output });
      });
      // Not 'exit', where output is collected; without pipes both come at once.
      child.once('close', (code, signal) => {
        resolve({ failure: failureOf(code ?? signal ?? 'unknown'), ...output });
      });
    });
  }
}

interface Outcome {
  failure: string | undefined;
  stdout: string;
  stderr: string;
  /** Whether a server had been asked the same before, and died. */
  isRepeat?: boolean;
}

function failureOf(status: number | string): string | undefined {
  return status === 0 ? undefined : `exit status ${status}`;
}

/** The `msg` of the last record of level error: runc's own rule for what went wrong. */
function lastError(log: string): string | undefined {
  let text: string;
  try {
    text = fs.readFileSync(log, 'utf8');
  } catch {
    return undefined; // it did not come as far as logging
  }
  let message: string | undefined;
  for (const line of text.split('\n')) {
    try {
      const record = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if (record.level === 'error' && typeof record.msg === 'string') message = record.msg;
    } catch {
      continue; // a line that is not a record, the empty one at the end among them
    }
  }
  return message;
}
