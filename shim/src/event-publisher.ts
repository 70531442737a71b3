/** Delivers events to containerd in the order in which they happened. */
import { spawn } from 'node:child_process';
import { packAny } from '#proto/any';
import { EventsService } from '#proto/generated/containerd.services.events.ttrpc.v1';
import { Any } from '#proto/generated/google.protobuf';
import type { Envelope } from '#proto/generated/containerd.types';
import type { Input, MessageType } from '#proto/message';
import { timestampNow } from '#proto/timestamp';
import { TtrpcClient } from '#proto/ttrpc-client';
import type { ShimLog } from './log.ts';
import type { Reaper } from './reaper.ts';

/** Waits before each further attempt: short at first, for a daemon that is just being restarted. */
const retryDelaysMs = [100, 300, 1000, 3000, 9000];
const deadlineMs = 5000;

export interface Destination {
  /** containerd's ttrpc socket; empty where it gave none. */
  ttrpcAddress: string;
  /** Its gRPC socket and executable, for the way without ttrpc. */
  address: string;
  publishBinary: string;
  namespace: string;
}

export class EventPublisher {
  private readonly destination: Destination;
  private readonly reaper: Reaper;
  private readonly log: ShimLog;
  private client: TtrpcClient | undefined;
  /** Not delivered yet, the oldest first. */
  private readonly pending: Envelope[] = [];
  /** Settles when everything published so far was delivered or given up; never rejects. */
  private delivering: Promise<void> | undefined;
  /** Settles when the attempt under way has succeeded or failed. */
  private attempt: Promise<void> = Promise.resolve();
  private isSuspended = false;

  constructor(destination: Destination, reaper: Reaper, log: ShimLog) {
    this.destination = destination;
    this.reaper = reaper;
    this.log = log;
  }

  /** Queues an event; its time is now. */
  publish<T>(topic: string, type: MessageType<T>, event: Input<T>): void {
    const envelope: Envelope = {
      timestamp: timestampNow(),
      namespace: this.destination.namespace,
      topic,
      event: packAny(type, event),
    };
    this.enqueue(envelope);
  }

  /** Stops delivering. Resolves with what was not delivered, for {@link adopt} of a successor. */
  async suspend(): Promise<Envelope[]> {
    this.isSuspended = true;
    await this.attempt;
    return this.pending;
  }

  /** Goes on with what a predecessor has not delivered. */
  adopt(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) this.enqueue(envelope);
  }

  /** Lets go of containerd. What was not delivered is lost. */
  close(): void {
    this.isSuspended = true;
    this.client?.close();
  }

  /** Resolves when the queue is empty, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.delivering, late]);
    clearTimeout(timer);
  }

  private enqueue(envelope: Envelope): void {
    this.pending.push(envelope);
    this.delivering ??= this.deliverAll().finally(() => (this.delivering = undefined));
  }

  private async deliverAll(): Promise<void> {
    for (let next = this.pending[0]; next && !this.isSuspended; next = this.pending[0]) {
      await this.deliver(next);
    }
  }

  /** Takes the event out of the queue, unless it was suspended before it had succeeded. */
  private async deliver(envelope: Envelope): Promise<void> {
    for (const delayMs of [...retryDelaysMs, undefined]) {
      if (this.isSuspended) return;
      const sent = this.destination.ttrpcAddress
        ? this.forward(envelope)
        : this.runPublishBinary(envelope);
      this.attempt = sent.catch(() => undefined);
      try {
        await sent;
        this.pending.shift(); // before anybody who waits for the attempt looks
        return;
      } catch (error) {
        this.log.error(
          delayMs === undefined
            ? `gave up publishing ${envelope.topic}`
            : `cannot publish ${envelope.topic} yet`,
          error,
        );
        await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
      }
    }
    this.pending.shift();
  }

  private async forward(envelope: Envelope): Promise<void> {
    if (!this.client?.connected) {
      const { ttrpcAddress, namespace } = this.destination;
      this.client = new TtrpcClient(ttrpcAddress, { namespace });
    }
    await this.client.clientOf(EventsService).forward({ envelope }, { deadlineMs });
  }

  /** `containerd publish`, with the event on its stdin. */
  private runPublishBinary({ topic, event }: Envelope): Promise<void> {
    const { publishBinary, address, namespace } = this.destination;
    return new Promise((resolve, reject) => {
      const child = spawn(
        publishBinary,
        ['--address', address, 'publish', '--topic', topic, '--namespace', namespace],
        { stdio: ['pipe', 'ignore', 'ignore'], timeout: deadlineMs },
      );
      this.reaper.leaveToLibuv(child);
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (code === 0) resolve();
        else
          reject(new Error(`${publishBinary} publish: exit status ${code ?? signal ?? 'unknown'}`));
      });
      child.stdin.on('error', () => undefined); // its exit status tells
      child.stdin.end(Any.encode(event ?? {}));
    });
  }
}
