/** Clients that run, enter and remove containers while daemons are killed: they may be refused, but never be told what is not so. */
import type { CommandResult } from '../harness/command.ts';
import { listens } from '../harness/listens.ts';
import type { Stack } from '../harness/stack.ts';
import { waitFor } from '../harness/wait.ts';

export interface Churn {
  /** Ends it; returns what was answered wrongly. */
  stop(): Promise<string[]>;
  readonly counts: { served: number; refused: number };
  /** Resolves once each client has been served after the call: what is killed then is at work for both. */
  servedAgain(): Promise<void>;
}

/** docker's own codes for what it could not do, 128 for a process that could not begin; 255 ends a connection in mid-exec. */
const refusals = new Set([1, 125, 126, 128, 137, 255]);

/** Two clients. Names of their containers begin with `churn`. */
export function startChurn(stack: Stack, image: string): Churn {
  let stopped = false;
  const served = [0, 0];
  const counts = { served: 0, refused: 0 };
  const wrong: string[] = [];

  const client = async (index: number): Promise<void> => {
    const mayExist = new Set<string>();
    const expectStatus = async (expected: number, ...args: string[]): Promise<CommandResult> => {
      const result = await stack.engine(...args);
      const { status } = result;
      if (status === expected) {
        counts.served++;
        served[index] = (served[index] ?? 0) + 1;
      } else if (status !== null && refusals.has(status)) {
        counts.refused++;
        await waitFor(
          'engined to listen',
          () => stopped || listens(stack.host.replace('unix://', '')),
          60_000,
        );
      } else wrong.push(`${args.join(' ')} ended with ${String(status)}, not ${expected}`);
      return result;
    };
    for (let round = 0; !stopped; round++) {
      const name = `churn${index}-${round}`;
      mayExist.add(name);
      await expectStatus(0, 'run', '-d', '--name', name, image, 'sleep', '1000');
      await expectStatus(5, 'exec', `writer${index}`, 'sh', '-c', 'exit 5');
      await expectStatus(21, 'run', '--rm', '--name', `${name}-rm`, image, 'sh', '-c', 'exit 21');
      for (const left of mayExist) {
        const { status, stderr } = await expectStatus(0, 'rm', '-f', left);
        if (status === 0 || /no such container/i.test(stderr)) mayExist.delete(left);
      }
    }
  };
  const clients = Promise.all([0, 1].map(client));
  return {
    counts,
    async servedAgain() {
      const before = [...served];
      await waitFor(
        'both clients to be served',
        () => served.every((count, index) => count > (before[index] ?? 0)),
        60_000,
      );
    },
    async stop() {
      stopped = true;
      await clients;
      return wrong;
    },
  };
}
