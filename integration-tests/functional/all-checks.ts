/** Every check, by subject. */
import type { Check } from './check.ts';
import { lifecycleChecks, volumeChecks } from './lifecycle-checks.ts';
import { imageChecks, networkChecks } from './network-checks.ts';
import { limitChecks, processChecks } from './process-checks.ts';

export const allChecks: Readonly<Record<string, readonly Check[]>> = {
  processes: processChecks,
  limits: limitChecks,
  containers: lifecycleChecks,
  volumes: volumeChecks,
  networks: networkChecks,
  images: imageChecks,
};
