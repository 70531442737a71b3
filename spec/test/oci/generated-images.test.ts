import { expect } from 'chai';
import fc from 'fast-check';
import { StackError } from '#spec/errors';
import { parseImageConfig, parseIndex, parseManifest } from '#spec/oci/image';

const digest = `sha256:${'a'.repeat(64)}`;
const descriptor = {
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
  digest,
  size: 1,
  platform: { os: 'linux', architecture: 'amd64' },
};
const documents = [
  { parse: parseIndex, valid: { schemaVersion: 2, manifests: [descriptor] } },
  { parse: parseManifest, valid: { schemaVersion: 2, config: descriptor, layers: [descriptor] } },
  {
    parse: parseImageConfig,
    valid: {
      os: 'linux',
      architecture: 'amd64',
      config: { Env: ['A=b'], Labels: { a: 'b' } },
      rootfs: { type: 'layers', diff_ids: [digest] },
    },
  },
] as const;

/** `document` with the value at one of its places replaced. */
function replaced(document: unknown, place: number, value: unknown): unknown {
  let left = place;
  const visit = (node: unknown): unknown => {
    if (left-- === 0) return value;
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, member]) => [key, visit(member)]));
  };
  return visit(document);
}

for (const { parse, valid } of documents) {
  describe(`${parse.name} with generated input`, () => {
    const tryParse = (json: unknown) => {
      try {
        parse(json);
      } catch (error) {
        expect(error).to.be.instanceOf(StackError).and.to.include({ kind: 'invalid_argument' });
      }
    };

    it('takes the document that the others are made of', () => {
      expect(() => parse(valid)).not.to.throw();
    });

    it('takes or refuses anything', () => {
      fc.assert(fc.property(fc.jsonValue(), tryParse));
    });

    it('takes or refuses a document with something else in one place', () => {
      fc.assert(
        fc.property(fc.nat(15), fc.jsonValue(), (place, value) => {
          tryParse(replaced(valid, place, value));
        }),
        { numRuns: 500 },
      );
    });
  });
}
