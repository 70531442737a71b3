/** Passing questions on: to each name server in turn, from the container's namespace or, for loopback servers, ours. */
import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import net, { isIPv6 } from 'node:net';
import { formatIpv6, parseIpv6 } from '#lib/netlink/ipv6';

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

/** The ways out of one namespace: for questions by UDP, by family of the server's address, and by TCP. */
export class Upstream {
  readonly #ipv4: UpstreamSocket;
  readonly #ipv6: UpstreamSocket | undefined;
  readonly #connect: (server: string) => Promise<net.Socket>;

  /** @param connect a connection to a server's port 53, made or under way. */
  constructor(
    ipv4: UpstreamSocket,
    ipv6: UpstreamSocket | undefined,
    connect: (server: string) => Promise<net.Socket>,
  ) {
    this.#ipv4 = ipv4;
    this.#ipv6 = ipv6;
    this.#connect = connect;
  }

  /** The answer of `server`, undefined when none comes in time. */
  async ask(server: string, query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    if (transport === 'udp') {
      return isIPv6(server)
        ? this.#ipv6?.ask(formatIpv6(parseIpv6(server)), query)
        : this.#ipv4.ask(server, query);
    }
    let socket: net.Socket;
    try {
      socket = await this.#connect(server);
    } catch {
      return undefined; // no route to it from there: the next server is asked
    }
    return askByStream(socket, query);
  }

  close(): void {
    this.#ipv4.close();
    this.#ipv6?.close();
  }
}

/** A way out of the host's namespace, for name servers on its loopback. */
export function hostUpstream(): Upstream {
  return new Upstream(
    new UpstreamSocket(dgram.createSocket('udp4')),
    new UpstreamSocket(dgram.createSocket('udp6')),
    async (server) => net.connect(dnsPort, server),
  );
}

/** One question over a connection; undefined when no answer comes in time. */
function askByStream(socket: net.Socket, query: Buffer): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(patienceMs, () => finish(undefined));
    socket.on('error', () => finish(undefined));
    socket.on('close', () => finish(undefined));
    socket.write(withLength(query)); // waits for the connection
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
