/** Tells whether somebody changed the nf_tables rules since the last question. */
import { parseMessages } from '#lib/netlink/message';
import { NETLINK_NETFILTER, NetlinkSocket } from '#lib/sys/netlink-socket';
import { errorCode } from '#spec/errors';

const NFNLGRP_NFTABLES = 7;

/** Listens from its construction on, in the network namespace it was constructed in. */
export class RulesetMonitor {
  readonly #socket = new NetlinkSocket(NETLINK_NETFILTER, [NFNLGRP_NFTABLES]);

  /** Whether there was a change not caused by the socket `ownPortId`. One system call when nothing happened. */
  changed(ownPortId: number): boolean {
    let changed = false;
    for (;;) {
      try {
        const datagram = this.#socket.receive();
        if (!datagram) return changed;
        changed ||= parseMessages(datagram).some(({ portId }) => portId !== ownPortId);
      } catch (error) {
        if (errorCode(error) !== 'ENOBUFS') throw error;
        changed = true; // so much happened that the kernel dropped some of it
      }
    }
  }

  close(): void {
    this.#socket.close();
  }
}
