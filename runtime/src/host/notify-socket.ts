/**
 * sd_notify(3) for containers: who starts the runtime with NOTIFY_SOCKET (systemd, podman) waits for READY=1. The
 * container gets a socket of its own below /run/notify; `start` and `run` listen there and pass readiness on.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatagramSocket, sendDatagram } from '#lib/sys/datagram-socket';
import { sendDescriptor } from '#lib/sys/descriptor-socket';
import { pipe } from '#lib/sys/posix-spawn';
import { errorCode } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

const inContainer = '/run/notify';
const socketName = 'notify.sock';
const pollMs = 20;
const barrierTimeoutMs = 30_000; // as runc

/** The configuration with the socket's directory `source` mounted and named in the environment. */
export function withNotifySocket(config: RuntimeConfig, source: string): RuntimeConfig {
  const env = (config.process.env ?? []).filter((entry) => !entry.startsWith('NOTIFY_SOCKET='));
  const mount = {
    destination: inContainer,
    type: 'bind',
    source,
    options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
  };
  return {
    ...config,
    mounts: [...(config.mounts ?? []), mount],
    process: { ...config.process, env: [...env, `NOTIFY_SOCKET=${inContainer}/${socketName}`] },
  };
}

/** Listens for the container; to be made before its process runs. */
export class NotifyProxy {
  readonly #socket: DatagramSocket;
  readonly #target: string;
  #open = true;

  /** @param directory what {@link withNotifySocket} mounts. @param target the caller's NOTIFY_SOCKET. */
  constructor(directory: string, target: string) {
    const file = path.join(directory, socketName);
    fs.rmSync(file, { force: true });
    this.#socket = new DatagramSocket(file);
    fs.chmodSync(file, 0o777); // the container's user is any
    this.#target = target;
  }

  /**
   * Waits until the container is ready, says so, and waits until the caller has heard it; or until the container has
   * ended. `mainPid` is what the caller is to watch from then on. Closes the proxy.
   */
  async forward(mainPid: number, isAlive: () => boolean): Promise<void> {
    try {
      while (true) {
        const alive = isAlive();
        const message = this.#socket.receive();
        if (message?.split('\n').includes('READY=1')) {
          sendDatagram(this.#target, `READY=1\nMAINPID=${mainPid}\n`);
          await barrier(this.#target);
          return;
        }
        if (message === undefined && !alive) return;
        if (message === undefined) await sleep(pollMs);
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#open) this.#socket.close();
    this.#open = false;
  }
}

/**
 * sd_notify_barrier(3): sends a descriptor and waits until the receiver, at its turn, has closed it. systemd knows a
 * sender by its cgroup, and only as long as it lives.
 */
async function barrier(target: string): Promise<void> {
  const { readEnd, writeEnd } = pipe();
  // Another open file, because a pipe that is read without waiting must not become so for its writer.
  const waiting = fs.openSync(
    `/proc/self/fd/${readEnd}`,
    fs.constants.O_RDONLY | fs.constants.O_NONBLOCK,
  );
  fs.closeSync(readEnd);
  try {
    try {
      sendDescriptor(target, writeEnd, Buffer.from('BARRIER=1'), 'datagram');
    } finally {
      fs.closeSync(writeEnd);
    }
    const deadline = Date.now() + barrierTimeoutMs; // receivers that do not know the barrier
    while (!isAtEnd(waiting) && Date.now() < deadline) await sleep(pollMs);
  } finally {
    fs.closeSync(waiting);
  }
}

function isAtEnd(pipeEnd: number): boolean {
  try {
    return fs.readSync(pipeEnd, Buffer.alloc(1)) === 0;
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return false;
    throw error;
  }
}
