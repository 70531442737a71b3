/** engined: reads its flags, runs until it is told to stop. */
import { createLogger } from '#lib/log/logger';
import { requireRoot } from '#lib/privilege/privilege';
import { isStackError, messageOf } from '#spec/errors';
import { parseFlags, type EngineOptions } from './config/flags.ts';
import { engineParts } from './engine-parts.ts';
import { runEngine } from './run-engine.ts';

async function main(): Promise<void> {
  let options: EngineOptions;
  try {
    options = parseFlags(process.argv.slice(2));
    requireRoot('engined');
  } catch (error) {
    fail(error, 1);
    return;
  }
  const logger = createLogger('engined', options.logLevel);
  const asked = new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  try {
    const engine = await runEngine(options, engineParts, logger);
    logger.info('stopping', { signal: await asked });
    await engine.stop();
    process.exit(0);
  } catch (error) {
    fail(error, 1);
  }
}

/** One sentence for what can be expected, the stack for a bug. */
function fail(error: unknown, status: number): void {
  const text =
    isStackError(error) || !(error instanceof Error) ? messageOf(error) : (error.stack ?? '');
  process.stderr.write(`engined: ${text}\n`);
  process.exit(status);
}

void main();
