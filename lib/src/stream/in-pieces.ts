/** Streams of bytes cut anew. */

/** The same bytes in pieces of `bytes` (the last may be shorter), each valid until the next is asked for. */
export async function* inPieces(
  source: AsyncIterable<Buffer>,
  bytes: number,
): AsyncGenerator<Buffer> {
  const piece = Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const part of source) {
    for (let at = 0; at < part.length;) {
      const copied = part.copy(piece, filled, at);
      at += copied;
      filled += copied;
      if (filled < bytes) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}
