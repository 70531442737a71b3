/** Which containerd answers: a real one, or this project's containerd-lite. */
import type { ContainerdClient } from '#proto/containerd-client';

/** Every real containerd has this plugin (where other plugins are installed); containerd-lite has no such thing. */
const realOnly = { type: 'io.containerd.internal.v1', id: 'opt' };

/** Whether the peer is a containerd-lite, which knows the shim of this project. Asked once, at the start. */
export async function isLite({ introspection }: ContainerdClient): Promise<boolean> {
  const { plugins } = await introspection.plugins({}, { deadlineMs: 10_000 });
  return !plugins.some(({ type, id }) => type === realOnly.type && id === realOnly.id);
}
