/**
 * Tells when FIFOs have something to read, without reading it: net.Socket would. All FIFOs share one epoll and, while
 * there are any, one pool thread that waits on it.
 */
import fs from 'node:fs';
import {
  EPOLLHUP,
  EPOLLIN,
  EPOLLONESHOT,
  epollAdd,
  epollCreate,
  epollDelete,
  epollModify,
  epollWait,
} from '#lib/sys/epoll';
import { eventfd } from '#lib/sys/eventfd';

/** `hangUp`: nobody holds the writing end any more. */
export type OnReadable = (hangUp: boolean) => void;

export class FifoReadiness {
  readonly #watched = new Map<number, OnReadable>();
  #epoll: number | undefined;
  #wakeUp = -1;

  /** Calls `onReadable` once when `fd` is readable; ask again with {@link rearm}. */
  add(fd: number, onReadable: OnReadable): void {
    const epoll = (this.#epoll ??= this.#start());
    this.#watched.set(fd, onReadable);
    epollAdd(epoll, fd, EPOLLIN | EPOLLONESHOT);
  }

  rearm(fd: number): void {
    if (this.#epoll !== undefined && this.#watched.has(fd)) {
      epollModify(this.#epoll, fd, EPOLLIN | EPOLLONESHOT);
    }
  }

  /** Must come before `fd` is closed. */
  delete(fd: number): void {
    if (this.#epoll === undefined || !this.#watched.delete(fd)) return;
    epollDelete(this.#epoll, fd);
    if (this.#watched.size === 0) this.#wake();
  }

  #start(): number {
    const epoll = epollCreate();
    this.#wakeUp = eventfd();
    epollAdd(epoll, this.#wakeUp, EPOLLIN);
    process.once('exit', this.#wake); // Node waits for its pool threads
    void this.#run(epoll);
    return epoll;
  }

  readonly #wake = (): void => {
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    fs.writeSync(this.#wakeUp, one);
  };

  /** Until nothing is watched any more. */
  async #run(epoll: number): Promise<void> {
    while (true) {
      for (const { fd, events } of await epollWait(epoll)) {
        if (fd === this.#wakeUp) fs.readSync(fd, Buffer.alloc(8));
        else this.#watched.get(fd)?.((events & EPOLLHUP) !== 0);
      }
      if (this.#watched.size === 0) break;
    }
    process.removeListener('exit', this.#wake);
    fs.closeSync(this.#wakeUp);
    fs.closeSync(epoll);
    this.#epoll = undefined;
  }
}
