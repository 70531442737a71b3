/**
 * `linux.netDevices`: network devices of the host that move into the container's network namespace, with their lasting
 * global addresses, under another name where config.json gives one, and up (runtime-spec 1.3, config-linux.md).
 */
import fs from 'node:fs';
import { NetlinkConnection } from '#lib/netlink/connection';
import {
  addGlobalAddress,
  listAllAddresses,
  parseGlobalAddress,
  type GlobalAddress,
} from '#lib/netlink/global-address';
import { changeLink, getLink, listLinks, moveLink, parseLink } from '#lib/netlink/link';
import { cloneFlags } from '#lib/sys/flags';
import { setns } from '#lib/sys/namespace';
import { NETLINK_ROUTE } from '#lib/sys/netlink-socket';
import { messageOf, StackError } from '#spec/errors';
import type { LinuxConfig } from '#spec/oci/linux';

/** A network namespace: a descriptor of it, and a conversation with the kernel there. */
interface Side {
  readonly fd: number;
  readonly connection: NetlinkConnection;
}

/** What a device is besides what it keeps on its way: its size, its hardware address. */
interface Settings {
  readonly addresses: readonly GlobalAddress[];
  readonly up: boolean;
}

/** A device that was moved, by its names; the settings are those on the host. */
interface Moved extends Settings {
  readonly host: string;
  readonly container: string;
}

/** Moves devices, and back again as long as it is open: it keeps the container's namespace alive. */
export class NetDeviceMover {
  readonly #host: Side;
  readonly #container: Side;
  readonly #moved: Moved[] = [];

  /** @param pid of a process in the container's network namespace. */
  constructor(pid: number) {
    this.#host = openSide('/proc/self/ns/net');
    this.#container = openSide(`/proc/${pid}/ns/net`);
  }

  /** Moves all of them; throws naming the one that could not be moved. */
  move(devices: NonNullable<LinuxConfig['netDevices']>): void {
    for (const [host, { name: container = host }] of Object.entries(devices)) {
      try {
        const settings = settingsOf(this.#host, host);
        refuseTaken(this.#container, container);
        sendLink(this.#host, this.#container, { from: host, to: container });
        this.#moved.push({ host, container, ...settings });
        settle(this.#container, container, { ...settings, up: true });
      } catch (error) {
        throw new StackError(
          'invalid_argument',
          `linux.netDevices[${JSON.stringify(host)}]: cannot move it into the container: ${messageOf(error)}`,
          { cause: error },
        );
      }
    }
  }

  /** After a failure: the devices of the kernel itself would come back alone, but virtual ones would be lost. */
  moveBack(): void {
    for (const { host, container, ...settings } of this.#moved.splice(0).reverse()) {
      try {
        sendLink(this.#container, this.#host, { from: container, to: host });
        settle(this.#host, host, settings);
      } catch {
        // Somebody else took its name: what failed first is what is told.
      }
    }
  }

  close(): void {
    for (const { fd, connection } of [this.#host, this.#container]) {
      connection.close();
      fs.closeSync(fd);
    }
  }
}

function openSide(file: string): Side {
  const fd = fs.openSync(file, 'r');
  const own = fs.openSync('/proc/thread-self/ns/net', 'r');
  try {
    // A socket stays in the namespace where it was opened; this thread returns at once.
    setns(fd, cloneFlags.CLONE_NEWNET);
    try {
      return { fd, connection: new NetlinkConnection(NETLINK_ROUTE) };
    } finally {
      setns(own, cloneFlags.CLONE_NEWNET);
    }
  } finally {
    fs.closeSync(own);
  }
}

function settingsOf({ connection }: Side, name: string): Settings {
  const { index, up } = parseLink(connection.get(getLink(name)));
  const addresses = connection
    .dump(listAllAddresses())
    .map(parseGlobalAddress)
    .filter((address) => address?.link === index);
  return { addresses: addresses.filter((address) => address !== undefined), up };
}

/** The kernel moves a device and says then that it cannot rename it. */
function refuseTaken({ connection }: Side, name: string): void {
  const taken = connection.dump(listLinks()).some((link) => parseLink(link).name === name);
  if (!taken) return;
  throw new StackError('already_exists', `the network namespace has a device "${name}" already`);
}

function sendLink(
  { connection }: Side,
  { fd }: Side,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  const { index } = parseLink(connection.get(getLink(from)));
  connection.execute([moveLink(index, to, fd)]);
}

/** Gives a device that has arrived what it lost on its way. */
function settle({ connection }: Side, name: string, { addresses, up }: Settings): void {
  // Under another number where its own was taken.
  const { index } = parseLink(connection.get(getLink(name)));
  connection.execute([
    ...addresses.map((address) => addGlobalAddress(address, index)),
    changeLink(index, { up }),
  ]);
}
