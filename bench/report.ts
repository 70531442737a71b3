/** Figures as a table for people and as a file for later comparison. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Figure } from './measure.ts';

/** Prints each scenario with its contenders and their ratio to ours (`engine`, `runtime`). */
export function printFigures(figures: readonly Figure[]): void {
  const scenarios = [...new Set(figures.map(({ scenario }) => scenario))];
  for (const scenario of scenarios) {
    const rows = figures.filter((row) => row.scenario === scenario);
    const ours = rows[0]?.median ?? Number.NaN;
    console.log(`\n${scenario} (ms, ${rows[0]?.samples.length ?? 0} runs each, in turn)`);
    for (const { contender, min, median, p99, max } of rows) {
      console.log(
        `  ${contender.padEnd(22)} median ${format(median)}  min ${format(min)}  p99 ${format(p99)}  max ${format(max)}  ours / this ${(ours / median).toFixed(2)}`,
      );
    }
  }
}

/** Writes the raw samples to bench/results/; returns the file. */
export function saveFigures(part: string, figures: readonly Figure[]): string {
  const folder = path.join(import.meta.dirname, 'results');
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(
    folder,
    `${new Date().toISOString().slice(0, 16).replaceAll(':', '')}-${part}.json`,
  );
  const machine = {
    kernel: os.release(),
    processors: os.cpus().length,
    memoryBytes: os.totalmem(),
    loadAverage: os.loadavg(),
    node: process.version,
    peers: Object.fromEntries(
      ['docker', 'dockerd', 'containerd', 'runc', 'crun'].map((name) => [name, versionOf(name)]),
    ),
  };
  fs.writeFileSync(file, `${JSON.stringify({ machine, figures }, null, 1)}\n`);
  return file;
}

function versionOf(name: string): string {
  try {
    return execFileSync(name, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  } catch {
    return 'not installed';
  }
}

function format(milliseconds: number): string {
  return milliseconds.toFixed(1).padStart(7);
}
