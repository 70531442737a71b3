/** Extended headers of pax (POSIX.1-2001): `length key=value\n` records that overrule the header they precede. */
import type { Timespec } from '#lib/sys/file';
import { malformed } from './tar-header.ts';
import type { ByteString } from './tar-entry.ts';

/** One record. GNU sparse 0.0 repeats its keys, so records stay a list. */
export interface PaxRecord {
  key: string;
  value: Buffer;
}

/** The records of an extended header's content. Throws {@link malformed}. */
export function parsePaxRecords(content: Buffer): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let at = 0; at < content.length && content[at] !== 0;) {
    const space = content.indexOf(0x20, at);
    const digits = space < 0 ? '' : content.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^[0-9]{1,9}$/.test(digits) || end > content.length || content[end - 1] !== 0x0a) {
      throw malformed('record of a pax header has a wrong length');
    }
    const equals = content.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw malformed('record of a pax header has no "="');
    const key = content.toString('utf8', space + 1, equals);
    if (key === '') throw malformed('record of a pax header has no key');
    records.push({ key, value: content.subarray(equals + 1, end - 1) });
    at = end;
  }
  return records;
}

/** A value that is a path. */
export function paxPath({ key, value }: PaxRecord): ByteString {
  if (value.includes(0)) throw malformed(`pax record "${key}" holds a zero byte`);
  return value.toString('latin1');
}

/** A value that is a whole number, not negative. */
export function paxNumber({ key, value }: PaxRecord): number {
  const text = value.toString('latin1');
  const result = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(result)) {
    throw malformed(`pax record "${key}" is not a number`);
  }
  return result;
}

/** A value that is a point in time: decimal seconds, possibly negative, with any number of digits behind the point. */
export function paxTime({ key, value }: PaxRecord): Timespec {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString('latin1'));
  if (!match) throw malformed(`pax record "${key}" is not a time`);
  const [, sign, whole = '0', fraction = ''] = match;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'));
  if (sign === '') return { seconds: Number(whole), nanoseconds };
  if (nanoseconds === 0) return { seconds: -Number(whole) || 0, nanoseconds };
  return { seconds: -Number(whole) - 1, nanoseconds: 1e9 - nanoseconds };
}
