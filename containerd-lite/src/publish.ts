/** `containerd-lite publish`: how shims report that were given a program to run instead of a ttrpc address. */
import { buffer } from 'node:stream/consumers';
import { ContainerdClient } from '#proto/containerd-client';
import { Any } from '#proto/generated/google.protobuf';

/** Longest time for the daemon to take an event. */
const deadlineMs = 5000;

/** Publishes the Any on stdin. */
export async function publish(address: string, namespace: string, topic: string): Promise<void> {
  const event = Any.decode(await buffer(process.stdin));
  const client = new ContainerdClient(address, { namespace });
  try {
    await client.events.publish({ topic, event }, { deadlineMs });
  } finally {
    client.close();
  }
}
