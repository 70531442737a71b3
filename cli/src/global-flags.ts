/** The flags before the command: which daemon, how to reach it, and where the client's own files are. */
import path from 'node:path';
import { EngineClient } from './client/engine-client.ts';
import { chooseHost, parseEndpoint } from './client/endpoint.ts';
import { chooseTls } from './client/tls-options.ts';
import { boolean, missing, text, type FlagValues } from './command-line/flags.ts';
import { UsageError } from './command-line/parse.ts';
import { configFolder } from './credentials/config-folder.ts';

const certificates = process.env['DOCKER_CERT_PATH'] ?? configFolder();
const certificate = (name: string): string => JSON.stringify(path.join(certificates, name));

export const globalFlags = {
  config: text(
    'Location of client config files',
    undefined,
    'string',
    JSON.stringify(configFolder()),
  ),
  debug: boolean('Print each call of the API and how it was answered', 'D'),
  host: text('Daemon socket to connect to', 'H', 'list'),
  'log-level': text(
    'Set the logging level ("debug", "info", "warn", "error", "fatal")',
    'l',
    'string',
    '"info"',
  ),
  tls: boolean('Use TLS; implied by --tlsverify'),
  tlscacert: text('Trust certs signed only by this CA', undefined, 'string', certificate('ca.pem')),
  tlscert: text('Path to TLS certificate file', undefined, 'string', certificate('cert.pem')),
  tlskey: text('Path to TLS key file', undefined, 'string', certificate('key.pem')),
  tlsverify: boolean('Use TLS and verify the remote'),
  version: boolean('Print version information and quit', 'v'),
  help: { ...boolean('Print usage'), hidden: true },
  ...missing('context'),
} as const;

export type GlobalValues = FlagValues<typeof globalFlags>;

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'];

/** A client of the daemon that flags and environment name. Throws {@link UsageError} for what cannot be meant. */
export function createClient(values: GlobalValues, env: NodeJS.ProcessEnv): EngineClient {
  const level = values['log-level'] ?? 'info';
  if (!logLevels.includes(level)) {
    throw new UsageError(`Unable to parse logging level: ${level}`);
  }
  // Commands look for files of the user's where DOCKER_CONFIG says.
  if (values.config !== undefined) env['DOCKER_CONFIG'] = values.config;
  const tls = chooseTls(values, env, env['DOCKER_CERT_PATH'] ?? configFolder(env));
  const isTraced = values.debug || level === 'debug';
  return new EngineClient(parseEndpoint(chooseHost(values.host, env), tls), {
    trace: isTraced ? (line) => process.stderr.write(`DEBUG ${line}\n`) : undefined,
  });
}
