/** Clients that run, enter and remove containers while daemons are killed: they may be refused, but never be told what is not so. */
import type { Stack } from '../harness/stack.ts';

export interface Churn {
  /** Ends it; returns what was answered wrongly. */
  stop(): Promise<string[]>;
  readonly counts: { served: number; refused: number };
}

/** docker's own codes for what it could not do, 128 for a process that could not begin; 255 ends a connection in mid-exec. */
const refusals = new Set([1, 125, 126, 128, 137, 255]);

/** Two clients. Names of their containers begin with `churn`. */
export function startChurn(stack: Stack, image: string): Churn {
  let stopped = false;
  const counts = { served: 0, refused: 0 };
  const wrong: string[] = [];
  const note = (what: string, status: number | null, expected: number): void => {
    if (status === expected) counts.served++;
    else if (status !== null && refusals.has(status)) counts.refused++;
    else wrong.push(`${what} ended with ${String(status)}, not ${expected}`);
  };
  const client = async (index: number): Promise<void> => {
    for (let round = 0; !stopped; round++) {
      const name = `churn${index}-${round}`;
      const detached = await stack.engine('run', '-d', '--name', name, image, 'sleep', '1000');
      note('run -d', detached.status, 0);
      const exec = await stack.engine('exec', `writer${index}`, 'sh', '-c', 'exit 5');
      note('exec', exec.status, 5);
      const ended = await stack.engine(
        'run',
        '--rm',
        '--name',
        `${name}-rm`,
        image,
        'sh',
        '-c',
        'exit 21',
      );
      note('run --rm', ended.status, 21);
      note('rm -f', (await stack.engine('rm', '-f', name)).status, 0);
    }
  };
  const clients = Promise.all([0, 1].map(client));
  return {
    counts,
    async stop() {
      stopped = true;
      await clients;
      return wrong;
    },
  };
}
