// Written by scripts/generate.ts from proto/idl. Do not edit.
import { defineMessage } from '../message.ts';

/** A value of any type, with the name of the type. containerd writes bare names (`containerd.events.TaskExit`),
 * others prefix `type.googleapis.com/`; both are accepted everywhere. */
export interface Any {
  typeUrl: string;
  /** The encoded message, or JSON for the names below `types.containerd.io/opencontainers/`. */
  value: Buffer;
}
export const Any = /* @__PURE__ */ defineMessage<Any>('google.protobuf.Any', () => [
  [1, 'typeUrl', 'string'],
  [2, 'value', 'bytes'],
]);

/** A span of time; both parts have the same sign. */
export interface Duration {
  seconds: number;
  nanos: number;
}
export const Duration = /* @__PURE__ */ defineMessage<Duration>('google.protobuf.Duration', () => [
  [1, 'seconds', 'int64'],
  [2, 'nanos', 'int32'],
]);

/** Nothing. */
export type Empty = Record<never, never>;
export const Empty = /* @__PURE__ */ defineMessage<Empty>('google.protobuf.Empty', () => []);

/** The fields an update is about, by path (`labels`, `labels.foo`, `image`). */
export interface FieldMask {
  paths: string[];
}
export const FieldMask = /* @__PURE__ */ defineMessage<FieldMask>('google.protobuf.FieldMask', () => [
  [1, 'paths', 'string', 'repeated'],
]);

/** A moment as time since 1970-01-01T00:00:00Z. Go's zero time (year 1) means that it is not set. */
export interface Timestamp {
  seconds: number;
  /** 0 to 999999999, also before 1970. */
  nanos: number;
}
export const Timestamp = /* @__PURE__ */ defineMessage<Timestamp>('google.protobuf.Timestamp', () => [
  [1, 'seconds', 'int64'],
  [2, 'nanos', 'int32'],
]);
