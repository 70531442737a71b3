/** Which context a command line means, and where its daemon is. */
import { StackError, isStackError } from '#spec/errors';
import {
  chooseHost,
  defaultHost,
  hostFromEnvironment,
  parseEndpoint,
  type Endpoint,
} from '../client/endpoint.ts';
import type { TlsOptions } from '../client/tls-options.ts';
import { configFolder } from '../config/config-folder.ts';
import { settings } from '../config/settings.ts';
import { ContextStore } from './context-store.ts';
import {
  defaultContext,
  dockerEndpointOf,
  type ContextMetadata,
  type TlsFiles,
} from './context.ts';

export interface ContextChoice {
  /** `--context` */
  context: string | undefined;
  /** `-H` */
  host: string | undefined;
  /** What flags and environment say of TLS: for the default context. */
  tls: TlsOptions | undefined;
}

/** All contexts, the one without a file among them, and which one is current. */
export class Contexts {
  readonly current: string;
  readonly store: ContextStore;
  readonly #choice: ContextChoice;
  readonly #env: NodeJS.ProcessEnv;

  /** Throws invalid_argument where both a host and a context are given. */
  constructor(choice: ContextChoice, env: NodeJS.ProcessEnv) {
    this.#choice = choice;
    this.#env = env;
    this.store = new ContextStore(configFolder(env));
    this.current = chooseContext(choice, env);
  }

  /** The daemon of the current context. Throws what is wrong with it, as docker puts it. */
  endpoint(): Endpoint {
    const { host, tls } = this.#choice;
    if (this.current === defaultContext) return parseEndpoint(chooseHost(host, this.#env), tls);
    try {
      const endpoint = dockerEndpointOf(this.store.get(this.current));
      return endpointOf(endpoint, this.store.tlsFiles(this.current));
    } catch (error) {
      if (!isStackError(error)) throw error;
      throw new StackError(
        error.kind,
        `Failed to initialize: unable to resolve docker endpoint: ${error.message}`,
        { cause: error },
      );
    }
  }

  /** Throws not_found. */
  get(name: string): ContextMetadata {
    if (name !== defaultContext) return this.store.get(name);
    const { host, tls } = this.#choice;
    const endpoint = {
      Host: chooseHost(host, this.#env),
      SkipTLSVerify: tls ? !tls.verify : false,
    };
    return { Name: defaultContext, Metadata: {}, Endpoints: { docker: endpoint } };
  }

  tlsFiles(name: string): TlsFiles {
    if (name !== defaultContext) return this.store.tlsFiles(name);
    const { tls } = this.#choice;
    if (!tls) return {};
    const files = { 'ca.pem': tls.ca, 'cert.pem': tls.cert, 'key.pem': tls.key };
    const known = Object.entries(files).flatMap(([file, content]) =>
      content ? [[file, content]] : [],
    );
    return { docker: Object.fromEntries(known) as Record<string, Buffer> };
  }

  list(): ContextMetadata[] {
    return [...this.store.list(), this.get(defaultContext)];
  }

  storage(name: string): { MetadataPath: string; TLSPath: string } {
    if (name !== defaultContext) return this.store.storage(name);
    return { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' };
  }
}

/** Where a context's daemon is, and how it is reached. Throws invalid_argument for an address that is none. */
export function endpointOf({ Host, SkipTLSVerify }: DockerEndpointLike, tls: TlsFiles): Endpoint {
  const files = tls['docker'] ?? {};
  const usesTls = SkipTLSVerify || Object.keys(files).length > 0;
  return parseEndpoint(
    Host ?? defaultHost,
    usesTls
      ? {
          verify: !SkipTLSVerify,
          ca: files['ca.pem'],
          cert: files['cert.pem'],
          key: files['key.pem'],
        }
      : undefined,
  );
}

type DockerEndpointLike = ReturnType<typeof dockerEndpointOf>;

/** `--context`, then whatever names a host, then DOCKER_CONTEXT, then what `context use` has chosen. */
function chooseContext({ context, host }: ContextChoice, env: NodeJS.ProcessEnv): string {
  if (context !== undefined && context !== '') {
    if (host === undefined) return context;
    throw new StackError(
      'invalid_argument',
      'conflicting options: cannot specify both --host and --context',
    );
  }
  if (host !== undefined || hostFromEnvironment(env) !== undefined) return defaultContext;
  return env['DOCKER_CONTEXT'] || settings().currentContext || defaultContext; // empty counts as not given
}
