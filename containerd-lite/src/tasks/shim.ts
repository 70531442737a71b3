/** A shim that runs: its Task service, and the news of its end. */
import net from 'node:net';
import { TaskService as TaskServiceV2 } from '#proto/generated/containerd.task.v2';
import { TaskService as TaskServiceV3 } from '#proto/generated/containerd.task.v3';
import { TtrpcClient } from '#proto/ttrpc-client';
import type { Client } from '#proto/service';
import type { Bundle, ShimEndpoint } from './bundle.ts';

export type TaskClient = Client<typeof TaskServiceV2>;

export class Shim {
  readonly bundle: Bundle;
  /** The Task service; version 3 has the same messages as version 2. */
  readonly task: TaskClient;
  /** Resolves when the connection is lost, which only the end of the shim or {@link close} does. */
  readonly ended: Promise<void>;
  readonly #client: TtrpcClient;
  readonly #lifeline: net.Socket;

  constructor(bundle: Bundle, endpoint: ShimEndpoint) {
    this.bundle = bundle;
    this.#client = new TtrpcClient(endpoint.address, { namespace: bundle.namespace });
    this.task =
      endpoint.version >= 3
        ? this.#client.clientOf(TaskServiceV3)
        : this.#client.clientOf(TaskServiceV2);
    this.#lifeline = net.connect(endpoint.address.replace(/^unix:\/\//, ''));
    this.ended = new Promise((resolve) => {
      this.#lifeline.on('error', () => undefined); // 'close' follows
      this.#lifeline.on('close', () => resolve());
      this.#lifeline.resume();
    });
  }

  /** Lets go of the shim, which runs on. */
  close(): void {
    this.#client.close();
    this.#lifeline.destroy();
  }
}
