/** A shim that runs: its Task service, and the news of its end. */
import net from 'node:net';
import { StackError, isStackError, messageOf } from '#spec/errors';
import {
  TaskService as TaskServiceV2,
  type CreateTaskRequest,
} from '#proto/generated/containerd.task.v2';
import { TaskService as TaskServiceV3 } from '#proto/generated/containerd.task.v3';
import { GrpcChannel } from '#proto/client';
import { TtrpcClient } from '#proto/ttrpc-client';
import type { Client } from '#proto/service';
import { ReportedError } from '#proto/status';
import type { Bundle } from './bundle.ts';
import { slowDeadlineMs } from './deadlines.ts';
import type { ShimEndpoint } from './shim-endpoint.ts';

export type TaskClient = Client<typeof TaskServiceV2>;

/** What a connection of either protocol gives. */
interface Connection {
  clientOf(service: typeof TaskServiceV2): TaskClient;
  /** Resolves when the shim has ended, or after {@link close}. */
  readonly ended: Promise<void>;
  close(): void;
}

export class Shim {
  readonly bundle: Bundle;
  /** The Task service; version 3 has the same messages as version 2. */
  readonly task: TaskClient;
  /** Resolves when the connection is lost, which only the end of the shim or {@link close} does. */
  readonly ended: Promise<void>;
  readonly #connection: Connection;

  constructor(bundle: Bundle, { address, protocol, version }: ShimEndpoint) {
    this.bundle = bundle;
    this.#connection =
      protocol === 'grpc'
        ? connectByGrpc(address, bundle.namespace)
        : connectByTtrpc(address, bundle.namespace);
    this.task = this.#connection.clientOf(version >= 3 ? TaskServiceV3 : TaskServiceV2);
    this.ended = this.#connection.ended;
  }

  /** Creates the task and returns its pid. Throws in the words that clients of containerd know. */
  async create(request: Omit<CreateTaskRequest, 'id' | 'bundle'>): Promise<number> {
    const { id, path: bundle } = this.bundle;
    try {
      const options = { deadlineMs: slowDeadlineMs };
      const { pid } = await this.task.create({ ...request, id, bundle }, options);
      return pid;
    } catch (error) {
      const message = `failed to create shim task: ${messageOf(error)}`;
      if (error instanceof ReportedError) throw new ReportedError(message, { cause: error });
      if (isStackError(error)) throw new StackError(error.kind, message, { cause: error });
      throw error;
    }
  }

  /** Lets go of the shim, which runs on. */
  close(): void {
    this.#connection.close();
  }
}

function connectByTtrpc(address: string, namespace: string): Connection {
  const client = new TtrpcClient(address, { namespace });
  return {
    clientOf: (service) => client.clientOf(service),
    ended: client.closed.then(() => undefined),
    close: () => client.close(),
  };
}

/** A gRPC channel connects when it likes; a connection beside it tells of the end. */
function connectByGrpc(address: string, namespace: string): Connection {
  const channel = new GrpcChannel(address, { namespace });
  const lifeline = new Lifeline(address.replace(/^unix:\/\//, ''));
  return {
    clientOf: (service) => channel.clientOf(service),
    ended: lifeline.ended,
    close: () => {
      channel.close();
      lifeline.close();
    },
  };
}

/** Servers drop a connection that says nothing: the end is when nobody accepts a new one. */
class Lifeline {
  readonly ended: Promise<void>;
  private socket: net.Socket | undefined;
  private isClosed = false;

  constructor(address: string) {
    this.ended = new Promise((resolve) => this.connect(address, resolve));
  }

  close(): void {
    this.isClosed = true;
    this.socket?.destroy();
  }

  private connect(address: string, ended: () => void): void {
    let isConnected = false;
    this.socket = net.connect(address, () => (isConnected = true));
    this.socket.on('error', () => undefined); // 'close' follows
    this.socket.on('close', () => {
      if (isConnected && !this.isClosed) this.connect(address, ended);
      else ended();
    });
    this.socket.resume();
  }
}
