/** All checks, in the order they run. Imported by the virtual machine to run them and by vm.test.ts for their names. */
import { appArmorChecks } from './apparmor.ts';
import type { Check } from './check.ts';
import { deviceChecks } from './devices.ts';
import { eventChecks } from './events.ts';
import { execChecks } from './exec.ts';
import { freezerChecks } from './freezer.ts';
import { lifecycleChecks } from './lifecycle.ts';
import { limitChecks } from './limits.ts';
import { memoryChecks } from './memory.ts';
import { namespaceChecks } from './namespaces.ts';
import { nestedGroupChecks } from './nested-groups.ts';
import { rootlessChecks } from './rootless.ts';
import { selinuxChecks } from './selinux.ts';
import { systemdChecks } from './systemd.ts';
import { updateChecks } from './update.ts';

export const checks: readonly Check[] = [
  ...lifecycleChecks,
  ...limitChecks,
  ...memoryChecks,
  ...deviceChecks,
  ...freezerChecks,
  ...updateChecks,
  ...eventChecks,
  ...namespaceChecks,
  ...execChecks,
  ...nestedGroupChecks,
  ...rootlessChecks,
  ...appArmorChecks,
  ...systemdChecks,
  ...selinuxChecks,
];
