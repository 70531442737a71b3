/** Passing questions on: to each name server in turn, from the container's namespace or, for loopback servers, ours. */
import type dgram from 'node:dgram';
import net from 'node:net';
import { randomInt } from 'node:crypto';

/** How long one server may think. */
const patienceMs = 2000;
const dnsPort = 53;

interface Waiting {
  readonly originalId: number;
  readonly server: string;
  readonly resolve: (answer: Buffer | undefined) => void;
  readonly timer: NodeJS.Timeout;
}

/** A UDP socket with questions under way. */
export class UpstreamSocket {
  readonly #socket: dgram.Socket;
  readonly #waiting = new Map<number, Waiting>();

  /** @param socket bound, or bound at the first question. */
  constructor(socket: dgram.Socket) {
    this.#socket = socket;
    socket.on('message', (answer, { address }) => this.#receive(answer, address));
    socket.on('error', () => undefined); // of a server that refuses: its question times out
    socket.unref();
  }

  /** The answer of `server`, undefined when none comes in time. */
  ask(server: string, query: Buffer): Promise<Buffer | undefined> {
    const id = this.#freeId();
    const copy = Buffer.from(query);
    const originalId = copy.readUInt16BE(0);
    copy.writeUInt16BE(id, 0);
    return new Promise((resolve) => {
      const finish = (answer: Buffer | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => finish(undefined), patienceMs);
      this.#waiting.set(id, { originalId, server, resolve: finish, timer });
      this.#socket.send(copy, dnsPort, server, (error) => {
        if (error) finish(undefined);
      });
    });
  }

  close(): void {
    for (const { resolve } of [...this.#waiting.values()]) resolve(undefined);
    this.#socket.close();
  }

  #receive(answer: Buffer, address: string): void {
    if (answer.length < 12) return;
    const waiting = this.#waiting.get(answer.readUInt16BE(0));
    if (waiting?.server !== address) return;
    answer.writeUInt16BE(waiting.originalId, 0);
    waiting.resolve(answer);
  }

  #freeId(): number {
    let id = randomInt(0x10000);
    while (this.#waiting.has(id)) id = randomInt(0x10000);
    return id;
  }
}

/** One question by TCP, which leaves from the host's namespace; undefined when no answer comes in time. */
export function askByTcp(server: string, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = net.connect(dnsPort, server);
    let received = Buffer.alloc(0);
    const finish = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patienceMs, () => finish(undefined));
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
    socket.on('connect', () => socket.write(withLength(query)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const [message] = takeMessage(received);
      if (message) finish(message);
    });
  });
}

/** A message as TCP carries it, with its length before it (RFC 1035, 4.2.2). */
export function withLength(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The first whole message in `bytes`, and what is behind it. */
export function takeMessage(bytes: Buffer): [message: Buffer | undefined, rest: Buffer] {
  if (bytes.length < 2) return [undefined, bytes];
  const end = 2 + bytes.readUInt16BE(0);
  if (bytes.length < end) return [undefined, bytes];
  return [bytes.subarray(2, end), bytes.subarray(end)];
}
