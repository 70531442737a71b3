/** Figures as a table for people and as a file for later comparison. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { floorName, type Figure } from './measure.ts';

/**
 * Prints each scenario with its contenders and the ratio of ours (`engine`, `runtime`) to each; beside a node that does
 * nothing also what ours costs beyond that.
 */
export function printFigures(figures: readonly Figure[]): void {
  const scenarios = [...new Set(figures.map(({ scenario }) => scenario))];
  for (const scenario of scenarios) {
    const all = figures.filter((row) => row.scenario === scenario);
    const floor = all.find(({ contender }) => contender === floorName);
    const rows = all.filter((row) => row !== floor);
    const [first] = rows;
    const ours = first?.median ?? Number.NaN;
    console.log(
      `\n${scenario} (${first?.unit ?? 'ms'}, ${first?.samples.length ?? 0} runs each, in turn)`,
    );
    for (const { contender, min, median, p99, max } of rows) {
      console.log(
        `  ${contender.padEnd(22)} median ${format(median)}  min ${format(min)}  p99 ${format(p99)}  max ${format(max)}  ours / this ${(ours / median).toFixed(2)}`,
      );
    }
    if (floor && first) {
      console.log(
        `  beyond ${floorName.padEnd(15)} median ${format(first.median - floor.median)}  min ${format(first.min - floor.min)}  (it alone: ${format(floor.median).trim()}, ${format(floor.min).trim()})`,
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
