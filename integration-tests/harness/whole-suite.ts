/** Mocha root hooks of the integration tests: the machine after the suite is the machine before it. */
import { errorCode } from '#spec/errors';
import { removeCgroups } from './cgroups.ts';
import { readMachineState, settleTo, type MachineState } from './machine-state.ts';
import { stopDevRegistry } from './registry.ts';
import { stopSharedStack } from './shared-stack.ts';

let before: MachineState | undefined;

/** dockerd makes a parent for all its containers and never removes it; one with processes in it stays, and is told of. */
function removeIfNew(cgroup: string, { cgroups }: MachineState): void {
  if (cgroups.some((path) => path.endsWith(`/${cgroup}`))) return;
  try {
    removeCgroups(cgroup);
  } catch (error) {
    if (errorCode(error) !== 'EBUSY') throw error;
  }
}

export const mochaHooks = {
  beforeAll(): void {
    before = readMachineState();
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(120_000);
    await stopSharedStack();
    await stopDevRegistry();
    if (!before) return;
    removeIfNew('docker', before);
    const differences = await settleTo(before, 20_000);
    if (differences.length > 0) {
      throw new Error(`the tests left the machine changed:\n  ${differences.join('\n  ')}`);
    }
  },
};
