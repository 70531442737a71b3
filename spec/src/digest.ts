/**
 * Content digests (OCI image specification, "Digests"): `sha256:` and the hash in lower-case hexadecimal digits.
 */
import { createHash, type Hash } from 'node:crypto';
import { StackError } from './errors.ts';

/** Algorithms that the specification registers, with the number of hexadecimal digits of each. */
const hexDigitsByAlgorithm = { sha256: 64, sha384: 96, sha512: 128 } as const;

export type DigestAlgorithm = keyof typeof hexDigitsByAlgorithm;

/** A checked digest, `sha256:…`. Only {@link parseDigest} and {@link digestOf} make one. */
export type Digest = `${DigestAlgorithm}:${string}`;

/** The digest that `text` is. Throws `invalid_argument` that quotes it and says what is wrong. */
export function parseDigest(text: string): Digest {
  const colon = text.indexOf(':');
  if (colon <= 0) throw invalid(text, 'it is not of the form algorithm:hex');
  const algorithm = text.slice(0, colon);
  if (!isAlgorithm(algorithm)) throw invalid(text, `algorithm "${algorithm}" is not supported`);
  const hex = text.slice(colon + 1);
  const digits = hexDigitsByAlgorithm[algorithm];
  if (hex.length !== digits) {
    throw invalid(text, `${algorithm} has ${digits} hexadecimal digits, this has ${hex.length}`);
  }
  if (!/^[0-9a-f]+$/.test(hex)) throw invalid(text, 'it has other than lower-case hex digits');
  return `${algorithm}:${hex}`;
}

/** Whether `text` is a digest that {@link parseDigest} accepts. */
export function isDigest(text: string): text is Digest {
  const match = /^(sha256|sha384|sha512):([0-9a-f]+)$/.exec(text);
  const [, algorithm = '', hex = ''] = match ?? [];
  return isAlgorithm(algorithm) && hex.length === hexDigitsByAlgorithm[algorithm];
}

/** The sha256 digest of some bytes; text is taken as UTF-8. */
export function digestOf(content: string | Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** `sha256` of a digest. */
export function algorithmOf(digest: Digest): DigestAlgorithm {
  // The type says that the part before the colon is one.
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm;
}

/** The hexadecimal digits of a digest: what names its blob on disk. */
export function encodedOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** Computes a digest while content passes by. */
export class Digester {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;

  constructor(algorithm: DigestAlgorithm = 'sha256') {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** The digest of everything so far; more may follow. */
  current(): Digest {
    return `${this.#algorithm}:${this.#hash.copy().digest('hex')}`;
  }

  /** The digest of everything so far; the digester is used up. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest('hex')}`;
  }
}

/**
 * The chain ID of a stack of layers (OCI image specification, "Layer ChainID"): names the file system that results
 * from applying them in order. Empty for no layers.
 */
export function chainIdOf(diffIds: readonly Digest[]): Digest | undefined {
  return chainIdsOf(diffIds).at(-1);
}

/** The chain IDs of every prefix of `diffIds`: one for each layer, the lowest first. */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}

function isAlgorithm(name: string): name is DigestAlgorithm {
  return Object.hasOwn(hexDigitsByAlgorithm, name);
}

function invalid(text: string, reason: string): StackError {
  return new StackError('invalid_argument', `invalid digest "${text}": ${reason}`);
}
