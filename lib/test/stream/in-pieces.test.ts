import { expect } from 'chai';
import { inPieces } from '#lib/stream/in-pieces';

async function cut(parts: readonly string[], bytes: number): Promise<string[]> {
  async function* source(): AsyncGenerator<Buffer> {
    for (const part of parts) yield Buffer.from(part);
  }
  const pieces: string[] = [];
  for await (const piece of inPieces(source(), bytes)) pieces.push(piece.toString());
  return pieces;
}

describe('inPieces', () => {
  it('cuts large parts and joins small ones', async () => {
    expect(await cut(['abcde', 'f', '', 'gh'], 3)).to.deep.equal(['abc', 'def', 'gh']);
  });

  it('yields nothing for nothing', async () => {
    expect(await cut(['', ''], 3)).to.deep.equal([]);
  });
});
