/** Mocha root hooks of the integration tests: the machine after the suite is the machine before it. */
import { readMachineState, settleTo, type MachineState } from './machine-state.ts';
import { stopDevRegistry } from './registry.ts';
import { stopSharedStack } from './shared-stack.ts';

let before: MachineState | undefined;

export const mochaHooks = {
  beforeAll(): void {
    before = readMachineState();
  },
  async afterAll(this: Mocha.Context): Promise<void> {
    this.timeout(120_000);
    await stopSharedStack();
    await stopDevRegistry();
    if (!before) return;
    const differences = await settleTo(before, 20_000);
    if (differences.length > 0) {
      throw new Error(`the tests left the machine changed:\n  ${differences.join('\n  ')}`);
    }
  },
};
