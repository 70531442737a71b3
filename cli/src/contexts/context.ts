/** What a context is: a daemon by name, as docker keeps it, so that both command lines share them. */
import { StackError } from '#spec/errors';

/** The context that stands for no context: `-H`, the environment, or the default socket. */
export const defaultContext = 'default';
/** What lists say about it, and what its copies are described as. */
export const defaultDescription = 'Current DOCKER_HOST based configuration';

/** meta.json of a context; fields of other programs are kept. */
export interface ContextMetadata {
  Name: string;
  Metadata: { Description?: string; [other: string]: unknown };
  Endpoints: Record<string, unknown>;
}

/** How `Endpoints.docker` says where a daemon is. */
export interface DockerEndpoint {
  Host?: string;
  SkipTLSVerify: boolean;
}

/** By endpoint and file name: `docker`, `ca.pem`. */
export type TlsFiles = Readonly<Record<string, Readonly<Record<string, Buffer>>>>;

/** Throws invalid_argument, in docker's words, for what is no context of a daemon. */
export function dockerEndpointOf({ Endpoints }: ContextMetadata): DockerEndpoint {
  const endpoint = Endpoints['docker'];
  if (typeof endpoint !== 'object' || endpoint === null) {
    throw new StackError('invalid_argument', 'cannot find docker endpoint in context');
  }
  const { Host, SkipTLSVerify } = endpoint as Partial<DockerEndpoint>; // docker writes it
  return { ...(Host !== undefined && { Host }), SkipTLSVerify: SkipTLSVerify === true };
}

const namePattern = '^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$';

/** Throws invalid_argument for a name that a context cannot have. */
export function checkContextName(name: string): void {
  if (name === '') throw new StackError('invalid_argument', 'context name cannot be empty');
  if (name === defaultContext) {
    throw new StackError('invalid_argument', '"default" is a reserved context name');
  }
  if (!new RegExp(namePattern).test(name)) {
    throw new StackError(
      'invalid_argument',
      `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "${namePattern}"`,
    );
  }
}
