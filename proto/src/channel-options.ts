/** What both ends of every gRPC connection agree on. */
import type { ChannelOptions } from '@grpc/grpc-js';

const mebibyte = 1024 * 1024;

/** containerd's message limit, and a window that keeps 1 MiB frames of content moving. */
export const channelOptions = {
  'grpc.max_send_message_length': 16 * mebibyte,
  'grpc.max_receive_message_length': 16 * mebibyte,
  'grpc-node.flow_control_window': 4 * mebibyte,
} as const satisfies ChannelOptions;
