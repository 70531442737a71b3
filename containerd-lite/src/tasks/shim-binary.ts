/** Runs a shim's executable: `start` leaves a shim behind, `delete` cleans up after one that is gone. */
import { spawn } from 'node:child_process';
import { StackError } from '#spec/errors';
import { Any } from '#proto/generated/google.protobuf';
import { DeleteResponse } from '#proto/generated/containerd.task.v2';
import { version } from '#lib/installation/installation';
import { BootstrapParams } from '#proto/generated/containerd.runtime.bootstrap.v1';
import type { Bundle } from './bundle.ts';
import { parseEndpoint, type ShimEndpoint } from './shim-endpoint.ts';

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

/**
 * Executables that want the parameters of containerd 2.3 on stdin. Shims built before it take options there, and fail
 * on anything else; nothing but the answer to `start` tells which kind one is.
 */
const wantParams = new Set<string>();
/** What shims built on containerd 2.3 say to options, before they have done anything. */
const wantsParams = /was started through the deprecated API but was built against the new API/;

/** Starts the shim of a bundle, and tells it the `options` of its runtime. */
export async function startShim(
  shim: string,
  bundle: Bundle,
  environment: ShimEnvironment,
  options: Any | undefined,
): Promise<ShimEndpoint> {
  const flags = ['-namespace', bundle.namespace, '-id', bundle.id, ...sharedFlags(environment)];
  const start = (stdin: Buffer | undefined) =>
    run(shim, [...flags, 'start'], { bundle, environment, stdin, timeoutMs: startTimeoutMs });
  const startWithParams = () => start(bootstrapParams(bundle, environment, options));
  let result = await (wantParams.has(shim)
    ? startWithParams()
    : start(options && Any.encode(options)));
  if (result.failure !== undefined && wantsParams.test(result.stderr.toString('utf8'))) {
    result = await startWithParams();
    if (result.failure === undefined) wantParams.add(shim);
  } else if (result.failure !== undefined) {
    wantParams.delete(shim); // an older one may have been installed in its place
  }
  const { stdout, stderr, failure } = result;
  const answer = Buffer.concat([stdout, stderr]);
  if (failure !== undefined) {
    const text = answer.toString('utf8').trim();
    throw new StackError('internal', `failed to start shim: ${shim}: ${text || failure}`);
  }
  const endpoint = parseEndpoint(answer);
  if (endpoint.protocol !== 'ttrpc' && endpoint.protocol !== 'grpc') {
    throw new StackError('unimplemented', `shim ${shim} wants to speak "${endpoint.protocol}"`);
  }
  return endpoint;
}

/** What containerd 2.3 and newer write to the stdin of `start`. */
function bootstrapParams(
  { id, namespace }: Bundle,
  { address, publishBinary, debug }: ShimEnvironment,
  options: Any | undefined,
): Buffer {
  return Buffer.from(
    BootstrapParams.encode({
      instanceId: id,
      namespace,
      logLevel: debug ? 'LOG_LEVEL_DEBUG' : 'LOG_LEVEL_INFO',
      containerdVersion: version,
      containerdTtrpcAddress: `${address}.ttrpc`,
      containerdGrpcAddress: address,
      containerdBinary: publishBinary,
      extensions: options ? [{ value: options }] : [],
    }),
  );
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
