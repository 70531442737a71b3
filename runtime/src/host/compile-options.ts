/** Options that `create`, `run`, `exec` and `explain` turn into what the compiler takes. */
import { compileFilter } from '#lib/seccomp/compile-filter';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { missingCapabilities } from '../compile/identity.ts';
import { mountLabel } from '../compile/labels.ts';
import type { HostFacts, SeccompProgram } from '../compile/input.ts';
import type { Process } from '#spec/oci/process';

/** `linux.seccomp` as a filter; undefined without one. */
export function seccompProgram({ linux }: RuntimeConfig): SeccompProgram | undefined {
  if (!linux?.seccomp) return undefined;
  const { bytes, flags, notify } = compileFilter(
    linux.seccomp,
    process.arch === 'arm64' ? 'arm64' : 'x64',
  );
  return { filter: bytes, flags, notify };
}

/** Says what the container will not get of what config.json asks for. */
export function warnOfMissing(
  config: RuntimeConfig,
  facts: HostFacts,
  warn: (message: string) => void,
): void {
  warnOfCapabilities(config.process, facts, warn);
  if (config.linux?.mountLabel && mountLabel(config, facts) === undefined) {
    warn('ignoring linux.mountLabel: SELinux is not enabled on this host');
  }
}

/** Says which capabilities the process will not get. */
export function warnOfCapabilities(
  { capabilities }: Process,
  facts: Pick<HostFacts, 'capabilities' | 'lastCapability'>,
  warn: (message: string) => void,
): void {
  const missing = missingCapabilities(capabilities, facts);
  if (missing.length > 0) {
    warn(`ignoring unknown or unavailable capabilities: ${missing.join(', ')}`);
  }
}
