/** What config.json may ask for and this runtime does not do yet: refused by name, never ignored. */
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { notImplemented } from './context.ts';

export function refuseUnsupported({ linux = {} }: RuntimeConfig): void {
  const properties: Readonly<Record<string, unknown>> = {
    'linux.intelRdt': linux.intelRdt,
  };
  for (const [property, value] of Object.entries(properties)) {
    if (value) notImplemented(property);
  }
}
