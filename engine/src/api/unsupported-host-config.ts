/**
 * Fields of docker's HostConfig that this engine does not honour (yet). Set to anything but their default they are
 * refused by name: a limit or a mount that silently does not hold is worse than an error.
 */
import { StackError } from '#spec/errors';
import { isZero } from './go-json.ts';

/** By name, with what `inspect` shows for them, which is also what they default to. */
export const unsupportedHostConfig: Readonly<Record<string, unknown>> = {
  ContainerIDFile: '',
  Cgroup: '',
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
};

/** Fields that only inform, or that docker itself no longer acts upon on Linux. */
const withoutEffect = new Set(['ContainerIDFile']);

const refused = new Map(
  Object.keys(unsupportedHostConfig)
    .filter((name) => !withoutEffect.has(name))
    .map((name) => [name.toLowerCase(), name]),
);

/** Throws unimplemented for the first field of a HostConfig that is set and not honoured. */
export function refuseUnsupportedFields(hostConfig: unknown, path: string): void {
  if (typeof hostConfig !== 'object' || hostConfig === null) return;
  for (const [key, value] of Object.entries(hostConfig)) {
    const name = refused.get(key.toLowerCase());
    if (name !== undefined && !isZero(value)) {
      throw new StackError('unimplemented', `${path}.${name} is not implemented by this engine`);
    }
  }
}
