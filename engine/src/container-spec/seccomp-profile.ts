/** Seccomp profiles in docker's format: the rules of config.json, with conditions that are decided for each container. */
import {
  array,
  nonEmptyString,
  object,
  oneOf,
  optional,
  reject,
  string,
  type Decoder,
} from '#spec/json-decoder';
import { messageOf, StackError } from '#spec/errors';
import {
  decodeSeccomp,
  seccompArchitectures,
  type Seccomp,
  type SeccompArchitecture,
} from '#spec/oci/seccomp';

/** What the conditions of a profile ask about. */
export interface SeccompFacts {
  /** Names with `CAP_`. */
  readonly capabilities: readonly string[];
  readonly architecture: 'x64' | 'arm64';
  /** As `uname -r` says it. */
  readonly kernelRelease: string;
}

/** All that is given must hold, but of `arches` one. */
interface Condition {
  caps?: string[];
  arches?: string[];
  /** `4.8`: this version or a later one. */
  minKernel?: KernelVersion;
}

type KernelVersion = readonly [version: number, revision: number];

interface ConditionalRule {
  name?: string;
  names?: string[];
  includes?: Condition;
  excludes?: Condition;
}

interface ArchitectureEntry {
  architecture: SeccompArchitecture;
  subArchitectures?: SeccompArchitecture[];
}

/** Names of architectures: config.json's, and the one that conditions use. */
const architectureNames = {
  x64: { seccomp: 'SCMP_ARCH_X86_64', go: 'amd64' },
  arm64: { seccomp: 'SCMP_ARCH_AARCH64', go: 'arm64' },
} as const;

const condition = object<Condition>({
  caps: optional(array(string)),
  arches: optional(array(string)),
  minKernel: optional(decodeKernelVersion),
});

const conditionalRule = object<ConditionalRule>({
  name: optional(nonEmptyString),
  names: optional(array(nonEmptyString)),
  includes: optional(condition),
  excludes: optional(condition),
});

const decodeProfile = object<{
  defaultAction?: string;
  architectures?: string[];
  archMap?: ArchitectureEntry[];
  syscalls?: unknown[];
}>({
  defaultAction: optional(string),
  architectures: optional(array(string)),
  archMap: optional(
    array(
      object<ArchitectureEntry>({
        architecture: oneOf(seccompArchitectures),
        subArchitectures: optional(array(oneOf(seccompArchitectures))),
      }),
    ),
  ),
  syscalls: optional(array((value) => value)),
});

/**
 * The filter that the JSON text of a profile means for a container; undefined for one that says nothing. Throws
 * invalid_argument naming the place in the profile.
 */
export function compileSeccompProfile(text: string, facts: SeccompFacts): Seccomp | undefined {
  const document = parseJson(text);
  const { defaultAction, architectures, archMap, syscalls } = decodeProfile(document, 'seccomp');
  if (!defaultAction && !syscalls?.length) return undefined;
  if (architectures?.length && archMap?.length) {
    throw invalid(
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  const native = architectureNames[facts.architecture].seccomp;
  const mapped = archMap?.find(({ architecture }) => architecture === native);
  const rules = (syscalls ?? []).flatMap((rule, index) => {
    const path = `seccomp.syscalls[${index}]`;
    const { name, names = [], includes, excludes } = conditionalRule(rule, path);
    if (name !== undefined && names.length > 0) {
      throw invalid(
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    if (excludes && holdsAny(excludes, facts)) return [];
    if (includes && !holdsAll(includes, facts)) return [];
    // An object: conditionalRule has looked at it.
    return [{ ...(rule as object), names: name === undefined ? names : [name] }];
  });
  return decodeSeccomp(
    {
      ...(document as object), // decodeProfile has looked at it
      syscalls: rules,
      ...(mapped && {
        architectures: [mapped.architecture, ...(mapped.subArchitectures ?? [])],
      }),
    },
    'seccomp',
  );
}

function holdsAny({ arches = [], caps = [], minKernel }: Condition, facts: SeccompFacts): boolean {
  return (
    arches.includes(architectureNames[facts.architecture].go) ||
    caps.some((name) => facts.capabilities.includes(name)) ||
    (minKernel !== undefined && isAtLeast(facts.kernelRelease, minKernel))
  );
}

function holdsAll({ arches = [], caps = [], minKernel }: Condition, facts: SeccompFacts): boolean {
  return (
    (arches.length === 0 || arches.includes(architectureNames[facts.architecture].go)) &&
    caps.every((name) => facts.capabilities.includes(name)) &&
    (minKernel === undefined || isAtLeast(facts.kernelRelease, minKernel))
  );
}

function isAtLeast(release: string, [version, revision]: KernelVersion): boolean {
  const [major = 0, minor = 0] = release.split(/[.-]/, 2).map(Number);
  return major > version || (major === version && minor >= revision);
}

// A declaration, because the decoders above name it before it stands.
function decodeKernelVersion(...[value, path]: Parameters<Decoder<KernelVersion>>): KernelVersion {
  const [, version, revision] = /^(\d{1,3})\.(\d{1,3})$/.exec(string(value, path)) ?? [];
  if (version === undefined || revision === undefined) {
    return reject(
      path,
      `invalid kernel version: "${string(value, path)}", expected "<kernel>.<major>"`,
    );
  }
  return [Number(version), Number(revision)];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`Decoding seccomp profile failed: ${messageOf(error)}`);
  }
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
