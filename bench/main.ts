/** `make bench`: measures ours beside the real ones in one sitting. Usage: main.ts engine|runtime [ROUNDS] */
import { runOk } from '../integration-tests/harness/command.ts';
import path from 'node:path';
import { measureEngines } from './engine.ts';
import { printFigures, saveFigures } from './report.ts';
import { measureRuntimes } from './runtime.ts';

const registryScript = path.resolve(import.meta.dirname, '../scripts/dev-registry');

async function measurePart(part: string, rounds: number): Promise<void> {
  let figures;
  if (part === 'runtime') figures = await measureRuntimes(rounds);
  else if (part === 'engine') {
    const { stdout } = await runOk(registryScript, [], { timeoutMs: 600_000 });
    const registry = /REG=(\S+)/.exec(stdout)?.[1];
    if (registry === undefined) throw new Error(`no registry address in: ${stdout}`);
    try {
      figures = await measureEngines(registry, rounds);
    } finally {
      await runOk(registryScript, ['stop']);
    }
  } else throw new Error(`unknown part "${part}": expected engine or runtime`);
  printFigures(figures);
  console.log(`\nraw samples: ${path.relative(process.cwd(), saveFigures(part, figures))}`);
}

await measurePart(process.argv[2] ?? '', Number(process.argv[3] ?? 20));
