/** Times contenders in turn (A B C, A B C, …), so that what else the machine does hits all alike. */
import { spawn } from 'node:child_process';

/** The contender that does nothing: what a process of node costs in any case. */
export const floorName = 'node -e 0';

export interface Contender {
  /** `engine`, `docker`, `runc`, … */
  name: string;
  /** One timed run; resolves to milliseconds. Throws when the run failed: a failure is never a time. */
  run(): Promise<number>;
}

/** Milliseconds; kB of memory. */
export type Unit = 'ms' | 'kB';

export interface Figure {
  scenario: string;
  contender: string;
  unit: Unit;
  samples: number[];
  min: number;
  median: number;
  p99: number;
  max: number;
}

/** Some rounds that warm up, then `rounds` that count. */
export async function measure(
  scenario: string,
  contenders: readonly Contender[],
  rounds: number,
  warmUps = 2,
): Promise<Figure[]> {
  console.error(`measuring ${scenario}`); // it takes minutes
  const samples = contenders.map((): number[] => []);
  for (let round = -warmUps; round < rounds; round++) {
    for (const [index, contender] of contenders.entries()) {
      const milliseconds = await contender.run();
      if (round >= 0) samples[index]?.push(milliseconds);
    }
  }
  return contenders.map(({ name }, index) => figure(scenario, name, samples[index] ?? []));
}

/** The figure of a list of samples. */
export function figure(
  scenario: string,
  contender: string,
  samples: readonly number[],
  unit: Unit = 'ms',
): Figure {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (fraction: number): number =>
    round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN);
  return {
    scenario,
    contender,
    unit,
    samples: samples.map(round),
    min: at(0),
    median: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

/** Runs a program without a shell around it and resolves to its wall time in milliseconds; throws unless it exits 0. */
export function timeCommand(
  file: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(file, args, {
      stdio: 'ignore',
      ...(env && { env: { ...process.env, ...env } }),
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(performance.now() - started);
      else reject(new Error(`"${[file, ...args].join(' ')}" ended with ${code ?? String(signal)}`));
    });
  });
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
