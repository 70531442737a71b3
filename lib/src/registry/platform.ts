/** Which of an index's images runs on a machine (OCI image index, "platform"). */
import { StackError } from '#spec/errors';
import type { Descriptor, Platform } from '#spec/oci/image';

/** Go's names for what Node calls its architecture; the others are the same. */
const architectureByNode: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
};

/** Other names in use for an architecture. */
const aliases: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  i386: ['386'],
  i686: ['386'],
  aarch64: ['arm64'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
};

/** Variants that are meant where none is written. */
const defaultVariant: Readonly<Record<string, string>> = { arm64: 'v8', arm: 'v7', amd64: 'v1' };

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return { os: 'linux', architecture: architectureByNode[process.arch] ?? process.arch };
}

/** `linux/arm64/v8`, `linux/amd64`, `arm64`. Throws invalid_argument in docker's words. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  const wrong = parts.find((part) => !/^[a-z0-9_.-]+$/.test(part));
  if (wrong !== undefined) {
    throw new StackError(
      'invalid_argument',
      `"${wrong}" is an invalid component of "${text}": platform specifier component must match ` +
        '"^[A-Za-z0-9_.-]+$": invalid argument',
    );
  }
  if (parts.length > 3) {
    throw new StackError(
      'invalid_argument',
      `"${text}": cannot parse platform specifier: invalid argument`,
    );
  }
  const [first = '', second, third] = parts;
  if (second === undefined) {
    return first === 'linux' ? hostPlatform() : { os: 'linux', ...architecture(first) };
  }
  return { os: first, ...architecture(second, third) };
}

/** `linux/arm64/v8`, as {@link parsePlatform} reads it. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/** Whether an image made for `image` is one for `wanted`, missing variants filled in. */
export function platformMatches(wanted: Platform, image: Platform): boolean {
  const [a, b] = [normalised(wanted), normalised(image)];
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}

/**
 * The manifest of an index that fits `wanted` best: of that platform exactly, else of one whose programs it runs too.
 * Throws not_found in docker's words.
 */
export function selectManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  for (const candidate of runnablePlatforms(wanted)) {
    const found = manifests.find(
      ({ platform }) => platform && platformMatches(candidate, platform),
    );
    if (found) return found;
  }
  throw new StackError(
    'not_found',
    `no matching manifest for ${formatPlatform(wanted)} in the manifest list entries`,
  );
}

/** `wanted`, then what its processors run as well, best first. */
export function runnablePlatforms(wanted: Platform): Platform[] {
  const { os, architecture, variant } = normalised(wanted);
  const arm = (...variants: string[]) =>
    variants.map((v): Platform => ({ os, architecture: 'arm', variant: v }));
  if (architecture === 'arm64')
    return [wanted, { os, architecture }, ...arm('v8', 'v7', 'v6', 'v5')];
  if (architecture === 'arm') {
    return [
      wanted,
      ...arm('v8', 'v7', 'v6', 'v5').filter((p) => (p.variant ?? '') < (variant ?? '')),
    ];
  }
  if (architecture === 'amd64') return [wanted, { os, architecture }, { os, architecture: '386' }];
  return [wanted];
}

function normalised({ os, architecture: name, variant }: Platform): Platform {
  const result = architecture(name, variant);
  return {
    os: os.toLowerCase(),
    ...result,
    variant: result.variant ?? defaultVariant[result.architecture] ?? '',
  };
}

function architecture(name: string, variant?: string): { architecture: string; variant?: string } {
  const [known, implied] = aliases[name] ?? [name];
  const actual = variant === undefined || variant === '' ? implied : variant;
  return { architecture: known, ...(actual !== undefined && { variant: actual }) };
}
