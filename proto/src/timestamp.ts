/** Timestamps of the wire as dates and texts. */
import type { Timestamp } from './generated/google.protobuf.ts';

/** Go's zero time, 0001-01-01T00:00:00Z, in seconds since 1970. Peers written in Go send it for `not set`. */
const goZeroSeconds = -62_135_596_800;

/** This moment, to the microsecond. */
export function timestampNow(): Timestamp {
  const milliseconds = performance.timeOrigin + performance.now();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: Math.floor((milliseconds - seconds * 1000) * 1000) * 1000 };
}

export function timestampFromDate(date: Date): Timestamp {
  const milliseconds = date.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds, nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}

/** Loses what is below a millisecond. */
export function timestampToDate({ seconds, nanos }: Timestamp): Date {
  return new Date(seconds * 1000 + Math.floor(nanos / 1_000_000));
}

/** Whether a time was given at all. */
export function isTimestampSet(timestamp: Timestamp | undefined): timestamp is Timestamp {
  return timestamp !== undefined && timestamp.seconds !== goZeroSeconds;
}

/** RFC 3339 in UTC with as many digits as needed, as Go's RFC3339Nano: `2026-11-21T09:00:00.5Z`. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  const fraction = nanos.toString().padStart(9, '0').replace(/0+$/, '');
  return fraction ? `${whole}.${fraction}Z` : `${whole}Z`;
}
