/** containerd-lite: content, images, snapshots, containers and tasks behind containerd's API. */
import path from 'node:path';
import { Command } from 'commander';
import { isStackError, messageOf } from '#spec/errors';
import { version } from '#lib/installation/installation';
import { createLogger } from '#lib/log/logger';
import { requireRoot } from '#lib/privilege/privilege';
import { defaultConfig, parseLogLevel, readConfigFile, type Config } from './config/config.ts';
import { startDaemon } from './daemon.ts';
import { publish } from './publish.ts';

interface Flags {
  config?: string;
  root?: string;
  state?: string;
  address?: string;
  logLevel?: string;
}

const program = new Command('containerd-lite')
  .description('Serves containerd’s API over a unix socket.')
  .version(version, '-v, --version')
  .option('-c, --config <file>', 'configuration in TOML')
  .option('--root <folder>', `what survives a reboot (default ${defaultConfig.root})`)
  .option('--state <folder>', `what does not (default ${defaultConfig.state})`)
  .option('-a, --address <socket>', `gRPC socket (default ${defaultConfig.address})`)
  .option('-l, --log-level <level>', 'trace, debug, info, warn, error or fatal')
  .action(async () => serve(program.opts<Flags>()));

program
  .command('publish')
  .description('publishes the event on stdin, for shims')
  .requiredOption('--topic <topic>')
  .requiredOption('--namespace <namespace>')
  .action(async ({ topic, namespace }: { topic: string; namespace: string }) =>
    publish(program.opts<Flags>().address ?? defaultConfig.address, namespace, topic),
  );

program.parseAsync().catch((error: unknown) => {
  const text = isStackError(error) || !(error instanceof Error) ? messageOf(error) : error.stack;
  process.stderr.write(`containerd-lite: ${text ?? 'failed'}\n`);
  process.exitCode = 1;
});

async function serve(flags: Flags): Promise<void> {
  requireRoot('containerd-lite');
  const config = configOf(flags);
  const log = createLogger('containerd-lite', config.logLevel);
  const daemon = await startDaemon(config, log);
  log.info('serving', { ...config, pid: process.pid, version });
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    log.info('stopping', { signal });
    daemon.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error('cannot stop cleanly', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

function configOf({ config: file, root, state, address, logLevel }: Flags): Config {
  const config = {
    ...defaultConfig,
    ...(file !== undefined && readConfigFile(file)),
    ...(root !== undefined && { root }),
    ...(state !== undefined && { state }),
    ...(address !== undefined && { address }),
    ...(logLevel !== undefined && { logLevel: parseLogLevel(logLevel) }),
  };
  // Shims are told these paths and have other working directories.
  return {
    ...config,
    root: path.resolve(config.root),
    state: path.resolve(config.state),
    address: path.resolve(config.address),
  };
}
