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

/** `5 minutes`, `About an hour`: how docker words a span (go-units HumanDuration). */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
