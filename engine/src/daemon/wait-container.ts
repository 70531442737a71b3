/** Waiting for a container: until it does not run, until its next exit, until it is gone. */
import { StackError } from '#spec/errors';
import type { Container, ContainerState } from './container.ts';

export const waitConditions = ['not-running', 'next-exit', 'removed'] as const;
export type WaitCondition = (typeof waitConditions)[number];

/** Reads the `condition` parameter; empty is not-running. Throws invalid_argument. */
export function parseWaitCondition(text: string): WaitCondition {
  if (text === '') return 'not-running';
  const condition = waitConditions.find((known) => known === text);
  if (condition) return condition;
  throw new StackError('invalid_argument', `invalid condition: "${text}"`);
}

/** Registers at once (before the caller's next await) and resolves with the state when the condition holds. */
export function waitForContainer(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<ContainerState> {
  switch (condition) {
    case 'not-running':
      return container.isRunning || container.state.status === 'restarting'
        ? container.nextExit(signal)
        : Promise.resolve(container.state);
    case 'next-exit':
      return container.nextExit(signal);
    case 'removed':
      return container.removal(signal);
  }
}
