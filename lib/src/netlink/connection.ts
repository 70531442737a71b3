/** Requests, acknowledgements and dumps over one netlink socket. */
import { NetlinkSocket } from '#lib/sys/netlink-socket';
import {
  encodeMessage,
  errorOf,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  parseMessages,
  type NetlinkMessage,
  type NetlinkRequest,
} from './message.ts';

/** A dump that something else changed meanwhile is repeated this often before it is taken as it is. */
const dumpAttempts = 5;

/**
 * A conversation with the kernel in the network namespace where it was opened. Every call is synchronous and
 * throws the SyscallError of the first request that failed, named by operation and subject.
 */
export class NetlinkConnection {
  readonly #socket: NetlinkSocket;
  #sequence = 0;

  /** @param protocol NETLINK_ROUTE or NETLINK_NETFILTER. */
  constructor(protocol: number) {
    this.#socket = new NetlinkSocket(protocol);
  }

  /** What events carry that this connection caused. */
  get portId(): number {
    return this.#socket.portId;
  }

  /**
   * Sends `requests` in one datagram; the kernel carries them out in order. rtnetlink also carries out what
   * stands behind a failure, so requests that depend on each other must be harmless without the ones before.
   */
  execute(requests: readonly NetlinkRequest[]): void {
    const first = this.#send(requests, NLM_F_REQUEST | NLM_F_ACK);
    const pending = new Set(requests.map((_, index) => first + index));
    let failure: Error | undefined;
    while (pending.size > 0) {
      for (const message of this.#receive(requests)) {
        const request = requests[message.sequence - first];
        if (message.type !== NLMSG_ERROR || !request) continue;
        pending.delete(message.sequence);
        failure ??= errorOf(message, request);
      }
    }
    if (failure) throw failure;
  }

  /** Sends a request that has exactly one object as its answer. */
  get(request: NetlinkRequest): NetlinkMessage {
    const sequence = this.#send([request], NLM_F_REQUEST);
    for (;;) {
      for (const message of this.#receive([request])) {
        if (message.sequence !== sequence) continue;
        const failure = message.type === NLMSG_ERROR ? errorOf(message, request) : undefined;
        if (failure) throw failure;
        return message;
      }
    }
  }

  /** All objects that a dump request lists. */
  dump(request: NetlinkRequest): NetlinkMessage[] {
    for (let attempt = 1; ; attempt++) {
      const { messages, interrupted } = this.#dumpOnce(request);
      if (!interrupted || attempt === dumpAttempts) return messages;
    }
  }

  close(): void {
    this.#socket.close();
  }

  /**
   * Sends messages as they are, with sequence numbers from the returned one on, and returns all that is
   * answered: nf_tables answers a batch by its own rules.
   */
  exchange(requests: readonly NetlinkRequest[]): { first: number; answers: NetlinkMessage[] } {
    const first = this.#send(requests, NLM_F_REQUEST);
    const answers: NetlinkMessage[] = [];
    for (let datagram; (datagram = this.#socket.receive());) {
      answers.push(...parseMessages(datagram));
    }
    return { first, answers };
  }

  #dumpOnce(request: NetlinkRequest): { messages: NetlinkMessage[]; interrupted: boolean } {
    const sequence = this.#send([request], NLM_F_REQUEST | NLM_F_DUMP);
    const messages: NetlinkMessage[] = [];
    let interrupted = false;
    for (;;) {
      for (const message of this.#receive([request])) {
        if (message.sequence !== sequence) continue;
        interrupted ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
          const failure = errorOf(message, request);
          if (failure) throw failure;
          return { messages, interrupted };
        }
        messages.push(message);
      }
    }
  }

  #send(requests: readonly NetlinkRequest[], flags: number): number {
    const first = this.#sequence + 1;
    this.#sequence += requests.length;
    this.#socket.send(
      Buffer.concat(
        requests.map((request, index) =>
          encodeMessage({ ...request, flags: (request.flags ?? 0) | flags }, first + index),
        ),
      ),
    );
    return first;
  }

  /** The next datagram. There always is one: the kernel answers inside send(2). */
  #receive(requests: readonly NetlinkRequest[]): NetlinkMessage[] {
    const datagram = this.#socket.receive();
    if (!datagram) {
      throw new Error(`no answer to netlink request "${requests[0]?.operation ?? ''}"`);
    }
    return parseMessages(datagram);
  }
}
