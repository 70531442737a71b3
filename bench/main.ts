/** `make bench`: measures ours beside the real ones in one sitting. Usage: main.ts engine|runtime|streams [ROUNDS] */
import { startRegistry } from '../integration-tests/harness/registry.ts';
import path from 'node:path';
import { measureEngines } from './engine.ts';
import { printFigures, saveFigures } from './report.ts';
import { measureRuntimes } from './runtime.ts';
import { measureStreams } from './streams.ts';

async function measurePart(part: string, rounds: number): Promise<void> {
  let figures;
  if (part === 'runtime') figures = await measureRuntimes(rounds);
  else if (part === 'engine' || part === 'streams') {
    const registry = await startRegistry();
    try {
      const measureStacks = part === 'engine' ? measureEngines : measureStreams;
      figures = await measureStacks(registry.address, rounds);
    } finally {
      await registry.stop();
    }
  } else throw new Error(`unknown part "${part}": expected engine, runtime or streams`);
  printFigures(figures);
  console.log(`\nraw samples: ${path.relative(process.cwd(), saveFigures(part, figures))}`);
}

await measurePart(process.argv[2] ?? '', Number(process.argv[3] ?? 20));
