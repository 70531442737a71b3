/**
 * What containerd tells `start` on stdin, and the answer that it understands:
 *
 *   containerd 1.6 to 2.2    google.protobuf.Any with the runtime's options, or nothing   a bare address: ttrpc, version 2
 *   containerd 2.3 and newer  BootstrapParams, which repeat the flags                      BootstrapResult: version 3
 *
 * The bare address is the one answer that all of them take. A shim that speaks gRPC answers containerd 2.0 to 2.2, which
 * say nothing of themselves, with the same as JSON.
 */
import type { CommandLine } from './command-line.ts';
import type { Placement } from './placement.ts';
import {
  BootstrapParams,
  BootstrapResult,
  LogLevel,
} from '#proto/generated/containerd.runtime.bootstrap.v1';
import { Any } from '#proto/generated/google.protobuf';
import { Options } from '#proto/generated/containerd.runc.v1';
import { isAny } from '#proto/any';

export interface Bootstrap {
  /** The command line, completed by what came on stdin. */
  line: CommandLine;
  /** containerd's ttrpc socket, where it was given. */
  ttrpcAddress?: string;
  /** Folder for the socket, where containerd chose one. */
  socketFolder?: string;
  /** Options of the runtime. */
  options?: Any;
  /** Whether containerd takes a BootstrapResult. */
  takesResult: boolean;
}

/** Tells both forms apart: options can look like parameters, but not with this id and namespace. */
export function readBootstrap(input: Buffer, line: CommandLine): Bootstrap {
  if (input.length === 0) return { line, takesResult: false };
  const params = decodeParams(input);
  if (params?.instanceId !== line.id || params.namespace !== line.namespace) {
    return { line, options: Any.decode(input), takesResult: false };
  }
  const options = params.extensions
    .map(({ value }) => value)
    .find((value) => value !== undefined && isAny(Options, value));
  const { [params.logLevel]: level, LOG_LEVEL_DEBUG } = LogLevel.numbers;
  return {
    line: {
      ...line,
      address: params.containerdGrpcAddress || line.address,
      publishBinary: params.containerdBinary || line.publishBinary,
      debug: line.debug || level <= LOG_LEVEL_DEBUG,
    },
    ...(params.containerdTtrpcAddress && { ttrpcAddress: params.containerdTtrpcAddress }),
    ...(params.socketDir && { socketFolder: params.socketDir }),
    ...(options && { options }),
    takesResult: true,
  };
}

/** What `start` prints. */
export function bootstrapAnswer({ socket, protocol }: Placement, takesResult: boolean): Buffer {
  // A gRPC client dials the path itself; ttrpc's takes a URL.
  const address = protocol === 'grpc' ? socket : `unix://${socket}`;
  const result = { version: 3, address, protocol };
  if (takesResult) return BootstrapResult.encode(result);
  return Buffer.from(protocol === 'grpc' ? JSON.stringify(result) : address);
}

function decodeParams(input: Buffer): BootstrapParams | undefined {
  try {
    return BootstrapParams.decode(input);
  } catch {
    return undefined; // options
  }
}
