/** engined: reads its configuration, runs until it is told to stop. */
import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger, type Logger } from '#lib/log/logger';
import { version } from '#lib/installation/installation';
import { requireRoot } from '#lib/privilege/privilege';
import { isStackError, messageOf } from '#spec/errors';
import { usage } from './config/command-line.ts';
import { LiveSettings } from './config/live-settings.ts';
import { readOrder, type Order } from './config/load-options.ts';
import { ServiceManager } from './config/service-manager.ts';
import { takeActivatedSockets } from './http/activation.ts';
import { engineParts } from './engine-parts.ts';
import { runEngine, type RunningEngine } from './run-engine.ts';

const answers = {
  help: usage(),
  version: `engined version ${version}\n`,
  validate: 'configuration OK\n',
} as const;

async function main(): Promise<void> {
  const activated = takeActivatedSockets(process.env);
  const manager = new ServiceManager(process.env);
  let order: Order;
  try {
    order = readOrder(process.argv.slice(2));
    if (order.kind !== 'run') {
      process.stdout.write(answers[order.kind]);
      return;
    }
    requireRoot('engined');
  } catch (error) {
    fail(error, 1);
    return;
  }
  const { options, configuration } = order;
  const logger = createLogger('engined', options.logLevel, options.logFormat);
  const settings = new LiveSettings(options.reloadable);
  settings.watch(({ features }) => warnOfFeatures(features, logger));
  settings.watch(({ debug }) => logger.setLevel(debug ? 'debug' : options.logLevel));
  const asked = new Promise<string>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  if (options.oomScoreAdjust !== undefined) {
    fs.writeFileSync('/proc/self/oom_score_adj', String(options.oomScoreAdjust));
  }
  // Until there is something to configure, a hangup must not be the end either.
  const hangups = { reload: (): void => undefined };
  process.on('SIGHUP', () => hangups.reload());
  try {
    const engine = await runEngine({
      options,
      settings,
      configuration,
      activated,
      parts: engineParts,
      logger,
    });
    hangups.reload = () => {
      manager.reloading(logger);
      engine.reload();
      manager.ready(logger);
    };
    manager.ready(logger);
    logger.info('stopping', { signal: await asked });
    manager.stopping(logger);
    await stopInTime(engine, settings.current.shutdownTimeoutSeconds, logger);
    process.exit(0);
  } catch (error) {
    fail(error, 1);
  }
}

/** Nothing is accepted and ignored in silence. Images always are in containerd: that one is on. */
function warnOfFeatures(features: Readonly<Record<string, boolean>>, logger: Logger): void {
  for (const [feature, enabled] of Object.entries(features)) {
    const holds = feature === 'containerd-snapshotter' ? enabled : !enabled;
    if (!holds) logger.warn('this engine has no such feature to choose', { feature, enabled });
  }
}

/** Containers run on either way: what is cut short is the tidying. */
async function stopInTime(engine: RunningEngine, seconds: number, logger: Logger): Promise<void> {
  const stopped = engine.stop();
  if (seconds < 0) return stopped;
  const late = await Promise.race([stopped, delay(seconds * 1000, 'late', { ref: false })]);
  if (late)
    logger.error('force shutdown: stopping took longer than the shutdown timeout', { seconds });
}

/** One sentence for what can be expected, the stack for a bug. */
function fail(error: unknown, status: number): void {
  const text =
    isStackError(error) || !(error instanceof Error) ? messageOf(error) : (error.stack ?? '');
  process.stderr.write(`engined: ${text}\n`);
  process.exit(status);
}

void main();
