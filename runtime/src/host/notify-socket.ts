/**
 * sd_notify(3) for containers: who starts the runtime with NOTIFY_SOCKET (systemd, podman) waits for READY=1. The
 * container gets a socket of its own below /run/notify; `start` listens there and passes readiness on.
 */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DatagramSocket, sendDatagram } from '#lib/sys/datagram-socket';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

const inContainer = '/run/notify';
const socketName = 'notify.sock';
const pollMs = 20;

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

  /** @param directory what {@link withNotifySocket} mounts. @param target the caller's NOTIFY_SOCKET. */
  constructor(directory: string, target: string) {
    const file = path.join(directory, socketName);
    fs.rmSync(file, { force: true });
    this.#socket = new DatagramSocket(file);
    fs.chmodSync(file, 0o777); // the container's user is any
    this.#target = target;
  }

  /** Waits until the container is ready, and says so; or until it has ended. */
  async forward(pid: number, isAlive: () => boolean): Promise<void> {
    try {
      while (true) {
        const alive = isAlive();
        const message = this.#socket.receive();
        if (message?.split('\n').includes('READY=1')) {
          sendDatagram(this.#target, `READY=1\nMAINPID=${pid}\n`);
          return;
        }
        if (message === undefined && !alive) return;
        if (message === undefined) await sleep(pollMs);
      }
    } finally {
      this.#socket.close();
    }
  }
}
