/** The flags before the command: which daemon, how to reach it, and where the client's own files are. */
import path from 'node:path';
import { EngineClient } from './client/engine-client.ts';
import { chooseTls } from './client/tls-options.ts';
import { boolean, text, type FlagValues } from './command-line/flags.ts';
import { UsageError } from './command-line/parse.ts';
import { configFolder } from './config/config-folder.ts';
import { settings } from './config/settings.ts';
import { Contexts } from './contexts/current-context.ts';

const certificates = process.env['DOCKER_CERT_PATH'] ?? configFolder();
const certificate = (name: string): string => JSON.stringify(path.join(certificates, name));

export const globalFlags = {
  config: text(
    'Location of client config files',
    undefined,
    'string',
    JSON.stringify(configFolder()),
  ),
  context: text(
    'Name of the context to use to connect to the daemon (overrides DOCKER_HOST env var and default context set with "engine context use")',
    'c',
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
} as const;

export type GlobalValues = FlagValues<typeof globalFlags>;

const logLevels = ['debug', 'info', 'warn', 'error', 'fatal'];

/** What flags and environment say, read once and before anything is done. */
export class Surroundings {
  readonly contexts: Contexts;
  readonly #isTraced: boolean;
  #client: EngineClient | undefined;

  /** Throws {@link UsageError} for what cannot be meant, invalid_argument for files that cannot be read. */
  constructor(values: GlobalValues, env: NodeJS.ProcessEnv) {
    const level = values['log-level'] ?? 'info';
    if (!logLevels.includes(level)) {
      throw new UsageError(`Unable to parse logging level: ${level}`);
    }
    // Commands look for files of the user's where DOCKER_CONFIG says.
    if (values.config !== undefined) env['DOCKER_CONFIG'] = values.config;
    const tls = chooseTls(values, env, env['DOCKER_CERT_PATH'] ?? configFolder(env));
    this.contexts = new Contexts({ context: values.context, host: values.host, tls }, env);
    this.#isTraced = values.debug || level === 'debug';
  }

  /** A client of the current context's daemon. Throws what is wrong with the context or the address. */
  get client(): EngineClient {
    this.#client ??= new EngineClient(this.contexts.endpoint(), {
      trace: this.#isTraced ? (line) => process.stderr.write(`DEBUG ${line}\n`) : undefined,
      headers: settings().httpHeaders,
    });
    return this.#client;
  }

  close(): void {
    this.#client?.close();
  }
}
