/** Points in time as the API writes them. */
import { formatTimestamp, isTimestampSet, timestampNow } from '#proto/timestamp';
import type { Timestamp } from '#proto/generated/google.protobuf';

/** Go's zero time: never. */
export const never = '0001-01-01T00:00:00Z';

/** This moment, RFC 3339. */
export function now(): string {
  return formatTimestamp(timestampNow());
}

/** A time from containerd, or this moment where it has none. */
export function timeOf(timestamp: Timestamp | undefined): string {
  return isTimestampSet(timestamp) ? formatTimestamp(timestamp) : now();
}

/** Whole seconds since 1970 of an RFC 3339 time. */
export function unixSeconds(time: string): number {
  return Math.floor(Date.parse(time) / 1000);
}
