/** Maps of sparse files: GNU's own header form and the three ways GNU tar writes them in pax archives. */
import { paxNumber, type PaxRecord } from './pax.ts';
import { malformed, number } from './tar-header.ts';
import type { SparseMap, SparseSegment } from './tar-entry.ts';

/** More segments than this are an attack, not a file (GNU tar itself writes one per hole of at least a block). */
const mostSegments = 1_000_000;
const longestNumber = 20;

/** The map in a GNU header of type `S`: up to four segments; `extended` says that blocks of 21 more follow. */
export function parseGnuSparseHeader(block: Buffer): {
  segments: SparseSegment[];
  fileSizeBytes: number;
  extended: boolean;
} {
  return {
    segments: segmentsIn(block, 386, 4),
    fileSizeBytes: number(block, 483, 12, 'real size'),
    extended: block[482] !== 0,
  };
}

/** A block that continues {@link parseGnuSparseHeader}. */
export function parseGnuSparseExtension(block: Buffer): {
  segments: SparseSegment[];
  extended: boolean;
} {
  return { segments: segmentsIn(block, 0, 21), extended: block[504] !== 0 };
}

/** The map in the records of GNU sparse formats 0.0 and 0.1; undefined where there is none. */
export function sparseMapOf(records: readonly PaxRecord[]): SparseMap | undefined {
  const last = (key: string) => records.findLast((record) => record.key === key);
  const size = last('GNU.sparse.size');
  if (!size) return undefined;
  const list = last('GNU.sparse.map');
  const numbers = list
    ? list.value
        .toString('latin1')
        .split(',')
        .filter((text) => text !== '')
        .map(wholeNumber)
    : records
        .filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
        .map(paxNumber);
  return { segments: pairs(numbers), fileSizeBytes: paxNumber(size) };
}

/** Whether the records announce GNU sparse format 1.0, whose map stands in front of the content. */
export function hasLeadingSparseMap(records: readonly PaxRecord[]): boolean {
  const value = (key: string) => records.findLast((record) => record.key === key)?.value;
  return (
    value('GNU.sparse.major')?.toString('latin1') === '1' &&
    value('GNU.sparse.realsize') !== undefined
  );
}

/** The numbers in front of the content of format 1.0: their count, then offset and length of each segment, a line each. */
export class LeadingSparseMap {
  #line = '';
  #count: number | undefined;
  readonly #numbers: number[] = [];

  /** Reads one block; returns the segments when it was the last. */
  push(block: Buffer): SparseSegment[] | undefined {
    const lines = (this.#line + block.toString('latin1')).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (this.#count === undefined) {
        this.#count = wholeNumber(line);
        if (this.#count > mostSegments) throw malformed('sparse file has too many segments');
      } else if (this.#numbers.length < 2 * this.#count) {
        this.#numbers.push(wholeNumber(line));
      }
    }
    if (this.#count !== undefined && this.#numbers.length === 2 * this.#count) {
      return pairs(this.#numbers);
    }
    if (this.#line.length > longestNumber)
      throw malformed('sparse map holds something that is not a number');
    return undefined;
  }
}

/** Throws unless the segments ascend, lie inside the file and together hold exactly the content that follows. */
export function verifySparseMap(
  { segments, fileSizeBytes }: SparseMap,
  contentBytes: number,
): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of segments) {
    if (offset < end) throw malformed('segments of a sparse file overlap');
    end = offset + length;
    total += length;
  }
  if (segments.length > mostSegments) throw malformed('sparse file has too many segments');
  if (end > fileSizeBytes) throw malformed('segment of a sparse file lies behind its end');
  if (total !== contentBytes) throw malformed('segments of a sparse file do not match its content');
}

function segmentsIn(block: Buffer, start: number, count: number): SparseSegment[] {
  const segments: SparseSegment[] = [];
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
    segments.push({
      offset: number(block, at, 12, 'offset of a segment'),
      length: number(block, at + 12, 12, 'length of a segment'),
    });
  }
  return segments;
}

function pairs(numbers: readonly number[]): SparseSegment[] {
  if (numbers.length % 2 !== 0) throw malformed('sparse map has an odd count of numbers');
  const segments: SparseSegment[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    segments.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  }
  return segments;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
    throw malformed('sparse map holds something that is not a number');
  }
  return value;
}
