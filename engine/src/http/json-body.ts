/** Bodies of requests as JSON, refused with docker's words. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { messageOf, StackError } from '#spec/errors';

const maximumBytes = 8 * 1024 * 1024;

/** Go's decoder has the same limit. */
const maximumDepth = 10_000;

/** The body; undefined when it is empty. Throws invalid_argument for another type, what is not JSON or too large. */
export async function readJsonBody(body: Readable, headers: IncomingHttpHeaders): Promise<unknown> {
  checkContentType(headers);
  const chunks: Buffer[] = [];
  let size = 0;
  // Not destroyed with what it read from: the client could not be told why.
  const arriving = body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of arriving) {
    size += chunk.length;
    if (size > maximumBytes) {
      body.resume(); // a client that is still sending does not read
      throw wrong(`request body is larger than ${maximumBytes} bytes`);
    }
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  const text = Buffer.concat(chunks).toString('utf8');
  if (text.trim() === '') throw wrong('invalid JSON: got EOF while reading request body');
  checkDepth(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = messageOf(error);
    throw wrong(
      /after JSON/.test(reason) ? 'unexpected content after JSON' : `invalid JSON: ${reason}`,
      error,
    );
  }
}

/** A request without a body may leave the type out. */
function checkContentType(headers: IncomingHttpHeaders): void {
  const given = headers['content-type'] ?? '';
  const bodiless =
    headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (given === '' && bodiless) return;
  const [type = ''] = given.split(';', 1);
  if (type.trim() === '') {
    throw wrong(`malformed Content-Type header (${given}): mime: no media type`);
  }
  if (type.trim().toLowerCase() === 'application/json') return;
  throw wrong(`unsupported Content-Type header (${given}): must be 'application/json'`);
}

function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === 0x22) {
      at = endOfString(text, at);
    } else if (character === 0x7b || character === 0x5b) {
      depth++;
      if (depth > maximumDepth) throw wrong('invalid JSON: exceeded max depth');
    } else if (character === 0x7d || character === 0x5d) {
      depth--;
    }
  }
}

/** Position of the quote that ends the string which begins at `start`; the end of `text` where there is none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== 0x22) {
    at += text.charCodeAt(at) === 0x5c ? 2 : 1;
  }
  return at;
}

function wrong(message: string, cause?: unknown): StackError {
  return new StackError('invalid_argument', message, cause === undefined ? {} : { cause });
}
