/** containerd.services.streaming.v1.Streaming */
import type { StreamingService } from '#proto/generated/containerd.services.streaming.v1';
import type { Handlers } from '#proto/service';
import type { Streams } from '../streaming/streams.ts';

export function streamingService(streams: Streams): Handlers<typeof StreamingService> {
  return { stream: (requests, context) => streams.serve(requests, context) };
}
