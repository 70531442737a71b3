/** A thread that visits a new network namespace and loses its way home. Posts what it was told about that. */
import fs from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { messageOf } from '#spec/errors';
import { HomeNamespace, threadNetworkNamespace } from '../../src/kernel/home-namespace.ts';

const home = new HomeNamespace();
const before = fs.readlinkSync(threadNetworkNamespace);
try {
  home.insideNew(() => {
    for (const fd of descriptorsOf(before)) fs.closeSync(fd);
  });
} catch (error) {
  parentPort?.postMessage({
    name: error instanceof Error ? error.name : '',
    cause: messageOf(error instanceof Error ? error.cause : undefined),
    before,
    moved: fs.readlinkSync(threadNetworkNamespace) !== before,
  });
}

/** Numbers of the descriptors that stand for a namespace. */
function descriptorsOf(namespace: string): number[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === namespace ? [Number(fd)] : [];
    } catch {
      return []; // the descriptor of this listing
    }
  });
}
