/** A registry as source or destination of a transfer. */
import type { CredentialSource, RegistryCredentials } from '#lib/registry/credentials';
import { RegistryClient, type RemoteRepository } from '#lib/registry/registry-client';
import { unpackAny } from '#proto/any';
import {
  AuthRequest,
  AuthResponse,
  type OCIRegistry,
} from '#proto/generated/containerd.types.transfer';
import { StackError } from '#spec/errors';
import { parseReference, type ImageReference } from '#spec/reference';
import type { Stream } from '../streaming/streams.ts';
import type { TransferParts } from './session.ts';

/** The repository that a client names, and how it is reached. */
export interface RegistryAccess {
  /** `OCI Registry (docker.io/library/busybox:latest)`, as containerd's progress calls it. */
  title: string;
  /** What the image is called unless the store says otherwise. */
  name: string;
  reference: ImageReference;
  repository: RemoteRepository;
  /** Closes idle connections and the stream for credentials. */
  close(): void;
}

/** Throws invalid_argument for a reference without registry, not_found for a stream that is not open. */
export function openRegistry(
  { reference: text, resolver }: OCIRegistry,
  { namespace, signal }: { namespace: string; signal: AbortSignal },
  { streams, hostsFolder: defaultHosts }: Pick<TransferParts, 'streams' | 'hostsFolder'>,
): RegistryAccess {
  const reference = parseReference(text);
  if (resolver && resolver.httpDebug !== 'DISABLED') {
    throw new StackError('unimplemented', 'HTTP traces of a transfer: not implemented');
  }
  const stream = resolver?.authStream ? streams.get(namespace, resolver.authStream) : undefined;
  const insecure = resolver?.defaultScheme === 'http';
  const hostsFolder = resolver?.hostDir || defaultHosts; // not named is empty
  const client = new RegistryClient({
    userAgent: 'containerd-lite',
    insecureRegistries: insecure ? [reference.domain] : [],
    ...(hostsFolder !== undefined && { hostsFolder }),
    ...(resolver && { headers: resolver.headers }),
  });
  const repository = client.repository(reference, {
    signal,
    ...(stream && { credentials: credentialsFrom(stream, text) }),
  });
  return {
    title: `OCI Registry (${text})`,
    name: text,
    reference,
    repository,
    close: () => {
      client.close();
      stream?.close();
    },
  };
}

/** Asks the client at the other end of the stream, one question at a time. */
function credentialsFrom(stream: Stream, reference: string): CredentialSource {
  let last: Promise<unknown> = Promise.resolve();
  return async (host) => {
    const answer = last.then(async () => {
      await stream.send(AuthRequest, { host, reference });
      const message = await stream.receive();
      return message ? credentialsOf(unpackAny(AuthResponse, message)) : {};
    });
    last = answer.catch(() => undefined); // the one who asked is told
    return answer;
  };
}

function credentialsOf({ authType, username, secret }: AuthResponse): RegistryCredentials {
  switch (authType) {
    case 'CREDENTIALS':
      return { username, password: secret };
    case 'REFRESH':
      return secret === '' ? {} : { identityToken: secret };
    case 'HEADER':
      return fromHeader(secret);
    default:
      return {};
  }
}

/** A whole Authorization header. Throws unimplemented for schemes that registries do not have. */
function fromHeader(header: string): RegistryCredentials {
  const [, scheme = '', value = ''] = /^(\w+)\s+(.+)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') return { registryToken: value };
  if (scheme.toLowerCase() === 'basic') {
    const text = Buffer.from(value, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  throw new StackError('unimplemented', `authorization by "${scheme}": not implemented`);
}
