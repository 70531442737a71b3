/** sd_notify(3): tells a service manager (systemd, Type=notify) how far we are. Without one nothing is sent. */
import { sendDatagram } from '#lib/sys/datagram-socket';
import type { Logger } from '#lib/log/logger';

export class ServiceManager {
  readonly #socket: string | undefined;

  /** Takes the variable out of `environment`: it is not for what is started from here, containers least of all. */
  constructor(environment: NodeJS.ProcessEnv) {
    this.#socket = environment['NOTIFY_SOCKET'] || undefined;
    delete environment['NOTIFY_SOCKET'];
  }

  /** The API answers. */
  ready(logger: Logger): void {
    this.#send('READY=1', logger);
  }

  /** The configuration is being read again; {@link ready} ends it. */
  reloading(logger: Logger): void {
    const monotonicMicroseconds = process.hrtime.bigint() / 1000n;
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds}`, logger);
  }

  stopping(logger: Logger): void {
    this.#send('STOPPING=1', logger);
  }

  /** A manager that cannot be told does not keep us from working: it is logged. */
  #send(message: string, logger: Logger): void {
    if (this.#socket === undefined) return;
    try {
      sendDatagram(this.#socket, message);
    } catch (error) {
      logger.warn('cannot notify the service manager', { message, error });
    }
  }
}
