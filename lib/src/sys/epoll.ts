/** epoll(7). Waiting happens on a pool thread, so that the event loop goes on. */
import { loadKoffi } from './koffi.ts';
import { check, libcFunction } from './libc.ts';

export const EPOLLIN = 0x1;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
/** Report once, then stay silent until {@link epollModify}. */
export const EPOLLONESHOT = 0x4000_0000;

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;

/** struct epoll_event is packed on x86-64 only. */
const packed = process.arch === 'x64';
const eventSize = packed ? 12 : 16;
const dataOffset = packed ? 4 : 8;

export interface EpollEvent {
  readonly fd: number;
  /** EPOLLIN, EPOLLHUP, … */
  readonly events: number;
}

const create = libcFunction('int epoll_create1(int flags)');
const control = libcFunction('int epoll_ctl(int epoll, int operation, int fd, void *event)');

/** A new epoll descriptor, close-on-exec. */
export function epollCreate(): number {
  return check(create(EPOLL_CLOEXEC), 'epoll_create1');
}

/** Watches `fd` for `events`. */
export function epollAdd(epoll: number, fd: number, events: number): void {
  check(control(epoll, EPOLL_CTL_ADD, fd, event(fd, events)), 'epoll_ctl', `add ${fd}`);
}

/** Changes what `fd` is watched for; also rearms EPOLLONESHOT. */
export function epollModify(epoll: number, fd: number, events: number): void {
  check(control(epoll, EPOLL_CTL_MOD, fd, event(fd, events)), 'epoll_ctl', `modify ${fd}`);
}

/** Watches `fd` no longer. Must come before the descriptor is closed. */
export function epollDelete(epoll: number, fd: number): void {
  check(control(epoll, EPOLL_CTL_DEL, fd, event(fd, 0)), 'epoll_ctl', `delete ${fd}`);
}

type AsyncWait = (
  epoll: number,
  events: Buffer,
  maximum: number,
  timeoutMs: number,
  done: (error: unknown, count: number) => void,
) => void;

let wait: AsyncWait | undefined;

/** The next events; without a time limit. Interrupted waits answer with none. Occupies one pool thread meanwhile. */
export function epollWait(epoll: number, maximum = 64): Promise<EpollEvent[]> {
  wait ??= loadKoffi()
    .load('libc.so.6')
    .func('int epoll_wait(int epoll, _Out_ uint8_t *events, int maximum, int timeout)')
    .async as AsyncWait; // koffi types asynchronous functions loosely
  const events = Buffer.alloc(eventSize * maximum);
  return new Promise((resolve, reject) => {
    wait?.(epoll, events, maximum, -1, (error, count) => {
      if (error) reject(error instanceof Error ? error : new Error('epoll_wait failed'));
      else resolve(decode(events, count));
    });
  });
}

function decode(events: Buffer, count: number): EpollEvent[] {
  return Array.from({ length: Math.max(0, count) }, (_, index) => ({
    events: events.readUInt32LE(index * eventSize),
    fd: events.readInt32LE(index * eventSize + dataOffset),
  }));
}

function event(fd: number, events: number): Buffer {
  const bytes = Buffer.alloc(eventSize);
  bytes.writeUInt32LE(events, 0);
  bytes.writeInt32LE(fd, dataOffset);
  return bytes;
}
