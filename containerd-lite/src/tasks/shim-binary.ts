/** Runs a shim's executable: `start` leaves a shim behind, `delete` cleans up after one that is gone. */
import { spawn } from 'node:child_process';
import { StackError } from '#spec/errors';
import { Any } from '#proto/generated/google.protobuf';
import { DeleteResponse } from '#proto/generated/containerd.task.v2';
import { parseEndpoint, type Bundle, type ShimEndpoint } from './bundle.ts';

/** Longest time that `start` may take; it only has to begin listening. */
const startTimeoutMs = 30_000;
/** Longest time that `delete` may take; it kills what runs and unmounts. */
const deleteTimeoutMs = 30_000;

/** What every shim is told about the daemon it works for. */
export interface ShimEnvironment {
  /** Socket of the gRPC services; the ttrpc socket is beside it. */
  address: string;
  /** Executable that publishes events for shims that cannot speak ttrpc. */
  publishBinary: string;
  debug: boolean;
}

/** Starts the shim of a bundle. `options` go to its stdin, as containerd up to 2.2 does. */
export async function startShim(
  shim: string,
  bundle: Bundle,
  environment: ShimEnvironment,
  options: Any | undefined,
): Promise<ShimEndpoint> {
  const flags = ['-namespace', bundle.namespace, '-id', bundle.id, ...sharedFlags(environment)];
  const { stdout, stderr, failure } = await run(shim, [...flags, 'start'], {
    bundle,
    environment,
    stdin: options && Any.encode(options),
    timeoutMs: startTimeoutMs,
  });
  const text = `${stdout.toString('utf8')}${stderr.toString('utf8')}`.trim();
  if (failure !== undefined) {
    throw new StackError('internal', `failed to start shim: ${shim}: ${text || failure}`);
  }
  const endpoint = parseEndpoint(text);
  if (endpoint.protocol !== 'ttrpc' && endpoint.protocol !== 'grpc') {
    throw new StackError('unimplemented', `shim ${shim} wants to speak "${endpoint.protocol}"`);
  }
  return endpoint;
}

/** Cleans up after a shim that is dead or does not answer, and says how its task ended. */
export async function deleteShim(
  shim: string,
  bundle: Bundle,
  environment: ShimEnvironment,
): Promise<DeleteResponse> {
  const flags = ['-namespace', bundle.namespace, '-id', bundle.id, ...sharedFlags(environment)];
  const { stdout, stderr, failure } = await run(
    shim,
    [...flags, '-bundle', bundle.path, 'delete'],
    {
      bundle,
      environment,
      stdin: undefined,
      timeoutMs: deleteTimeoutMs,
    },
  );
  if (failure !== undefined) {
    const reason = stderr.toString('utf8').trim() || failure;
    throw new StackError('internal', `failed to delete shim of "${bundle.id}": ${reason}`);
  }
  return DeleteResponse.decode(stdout);
}

/** What every shim of ours is told by flags. */
export function sharedFlags({ address, publishBinary, debug }: ShimEnvironment): string[] {
  const flags = ['-address', address, '-publish-binary', publishBinary];
  return debug ? [...flags, '-debug'] : flags;
}

/** What every shim of ours finds in its environment, besides NAMESPACE. */
export function environmentOf({ address }: ShimEnvironment): NodeJS.ProcessEnv {
  return {
    ...process.env,
    TTRPC_ADDRESS: `${address}.ttrpc`,
    GRPC_ADDRESS: address,
    MAX_SHIM_VERSION: '2',
    GOMAXPROCS: '2',
  };
}

interface RunResult {
  stdout: Buffer;
  stderr: Buffer;
  /** Undefined after exit status 0. */
  failure: string | undefined;
}

function run(
  file: string,
  args: readonly string[],
  call: {
    bundle: Bundle;
    environment: ShimEnvironment;
    stdin: Buffer | undefined;
    timeoutMs: number;
  },
): Promise<RunResult> {
  const { bundle, environment, stdin, timeoutMs } = call;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: bundle.path,
      detached: true, // a signal to our process group must not reach it
      stdio: 'pipe',
      env: { ...environmentOf(environment), NAMESPACE: bundle.namespace },
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined); // a shim may end without reading
    child.stdin.end(stdin);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(
        new StackError('internal', `cannot run shim ${file}: ${error.message}`, { cause: error }),
      );
    });
    // What the shim leaves running must have closed these pipes; the timer above covers one that has not.
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const failure =
        code === 0
          ? undefined
          : signal === 'SIGKILL'
            ? `killed after ${timeoutMs} ms`
            : `exit status ${code ?? String(signal)}`;
      resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr), failure });
    });
  });
}
