/** Descriptors that the caller hands through to the container: `--preserve-fds`, and LISTEN_FDS of systemd. */
import fs from 'node:fs';
import { errorCode, StackError } from '#spec/errors';
import type { RuntimeConfig } from '#spec/oci/runtime-config';

const first = 3;
const largestCount = 1024;

let ofOneCaller = true;

/** For `serve`, whose descriptors belong to none of its command lines: from now on none is handed on. */
export function inheritNothing(): void {
  ofOneCaller = false;
}

/** How many sockets were passed to us (sd_listen_fds(3)); 0 when LISTEN_PID means another process. */
export function listeningDescriptors(): number {
  if (!ofOneCaller) return 0;
  const { LISTEN_FDS: count = '', LISTEN_PID: pid } = process.env;
  return pid === String(process.pid) && /^\d+$/.test(count) ? Number(count) : 0;
}

/** The container's process is told of the sockets as if systemd had started it. */
export function announceListening(config: RuntimeConfig, count: number): RuntimeConfig {
  if (count === 0) return config;
  const env = [...(config.process.env ?? []), `LISTEN_FDS=${count}`, 'LISTEN_PID=1'];
  return { ...config, process: { ...config.process, env } };
}

/** Numbers of the descriptors that are handed on: `count` from 3 on. Throws invalid_argument if one is not open. */
export function preservedDescriptors(count: number): number[] {
  if (count < 0 || count > largestCount) {
    throw new StackError('invalid_argument', `cannot preserve ${count} descriptors`);
  }
  if (count > 0 && !ofOneCaller) {
    throw new StackError('invalid_argument', '--preserve-fds: serve has no descriptors to hand on');
  }
  const descriptors = Array.from({ length: count }, (_, index) => first + index);
  const missing = descriptors.find((fd) => !isInherited(fd));
  if (missing !== undefined) {
    throw new StackError(
      'invalid_argument',
      `cannot preserve ${count} descriptors: descriptor ${missing} is not open`,
    );
  }
  return descriptors;
}

/**
 * Node opens descriptors of its own before any of our code runs, each under the lowest free number, and the first is
 * an epoll: so that is what lies at the first number that the caller left free.
 */
function isInherited(fd: number): boolean {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]';
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
