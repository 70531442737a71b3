/** Values inside google.protobuf.Any: messages under their full name, OCI documents as JSON. */
import { StackError, messageOf } from '#spec/errors';
import type { Any } from './generated/google.protobuf.ts';
import type { Input, MessageType } from './message.ts';

/** Type URLs under which containerd stores OCI structures as JSON. */
export const jsonTypes = {
  spec: 'types.containerd.io/opencontainers/runtime-spec/1/Spec',
  process: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  linuxResources: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
  features: 'types.containerd.io/opencontainers/runtime-spec/1/features/Features',
} as const;

/** `message` under the bare name of its type, the way containerd writes it. */
export function packAny<T>(type: MessageType<T>, message: Input<T>): Any {
  return { typeUrl: type.typeName, value: type.encode(message) };
}

/** The message in `any`. Throws invalid_argument if it holds something else. */
export function unpackAny<T>(type: MessageType<T>, any: Any): T {
  if (!isAny(type, any)) {
    throw new StackError('invalid_argument', `expected ${type.typeName}, got "${any.typeUrl}"`);
  }
  return type.decode(any.value);
}

/** Whether `any` holds a message of this type; a prefix such as `type.googleapis.com/` does not matter. */
export function isAny<T>(type: MessageType<T>, any: Any): boolean {
  return any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1) === type.typeName;
}

/** A JSON document under one of {@link jsonTypes}. */
export function packJson(typeUrl: string, value: unknown): Any {
  return { typeUrl, value: Buffer.from(JSON.stringify(value)) };
}

/** The document in `any`, for the caller to parse into a type. Throws invalid_argument if it is not JSON. */
export function unpackJson(any: Any): unknown {
  try {
    return JSON.parse(Buffer.from(any.value).toString('utf8')) as unknown;
  } catch (error) {
    throw new StackError('invalid_argument', `"${any.typeUrl}" is not JSON: ${messageOf(error)}`);
  }
}
