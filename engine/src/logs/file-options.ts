/** Options of the log drivers that write files: `max-size`, `max-file`, `compress`. */
import { StackError } from '#spec/errors';

export interface RotationOptions {
  /** Bytes after which a new file is begun; Infinity is never. */
  maxSizeBytes: number;
  /** How many files are kept, the current one included. */
  maxFiles: number;
  /** Whether the others are compressed. */
  compress: boolean;
}

type LogOptions = Readonly<Record<string, string>>;

/** Of json-file: one file that grows without end, unless told otherwise. Throws invalid_argument. */
export function jsonFileRotation(options: LogOptions): RotationOptions {
  const size = options['max-size'];
  const maxSizeBytes = size === undefined ? Infinity : decimalSize(size);
  if (maxSizeBytes <= 0) throw invalid('max-size must be a positive number');
  const maxFiles = wholeNumber(options['max-file'] ?? '1');
  if (maxFiles < 1) throw invalid('max-file cannot be less than 1');
  const compress = isTrue(options['compress'] ?? 'false');
  if (compress && (maxFiles === 1 || maxSizeBytes === Infinity)) {
    throw invalid('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  return { maxSizeBytes, maxFiles, compress };
}

/** Of local: five files of 20 MB, compressed, unless told otherwise. Throws invalid_argument. */
export function localRotation(options: LogOptions): RotationOptions {
  const maxSizeBytes = named('max-size', options, decimalSize) ?? 20 * 1024 * 1024;
  const maxFiles = named('max-file', options, wholeNumber) ?? 5;
  if (maxSizeBytes < 0) throw invalid('max-size must not be negative');
  if (maxFiles < 0) throw invalid('max-file must not be negative');
  const compress = isTrue(options['compress'] ?? 'true', 'invalid boolean value for compress: ');
  if (compress && maxFiles <= 1) {
    throw invalid('compression cannot be enabled when max file count is 1');
  }
  return { maxSizeBytes, maxFiles: Math.max(1, maxFiles), compress };
}

/** `1m` as docker reads sizes in memory: units of 1024. Throws invalid_argument. */
export function binarySize(text: string): number {
  return size(text, 1024);
}

function decimalSize(text: string): number {
  return size(text, 1000);
}

function size(text: string, unit: number): number {
  const [, number, letter = ''] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (number === undefined) throw invalid(`invalid size: '${text}'`);
  return Math.floor(Number(number) * unit ** ' kmgtp'.indexOf(letter.toLowerCase() || ' '));
}

function wholeNumber(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw invalid(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

/** A boolean as Go reads it. Throws invalid_argument. */
export function isTrue(text: string, before = ''): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  throw invalid(`${before}strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

function named(
  name: string,
  options: LogOptions,
  parse: (text: string) => number,
): number | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw invalid(
      `invalid value for ${name}: ${text}: ${error instanceof Error ? error.message : ''}`,
    );
  }
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
