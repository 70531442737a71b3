/** A place where a registry's API is served. */
import type { ConnectionSettings } from './connection.ts';

/** What a place is trusted to do: hand out content by digest, say which digest a tag has, take content. */
export type Capability = 'pull' | 'resolve' | 'push';

export const allCapabilities: readonly Capability[] = ['pull', 'resolve', 'push'];

/** One place to ask. */
export interface Endpoint {
  /** Where the API begins, without a slash at the end: `https://registry.example:5000/v2`. */
  url: string;
  connection: ConnectionSettings;
  /** A mirror gets no credentials meant for the registry, and may fail without consequence. */
  mirror: boolean;
  capabilities: readonly Capability[];
  /** Sent with every request. */
  headers: Readonly<Record<string, string>>;
  /** The registry that a mirror stands for, which then is told so. */
  standsFor?: string;
}

/** An endpoint with nothing special about it but what is said. */
export function endpoint(url: string, special: Partial<Endpoint> = {}): Endpoint {
  return {
    url,
    connection: { verifyTls: true },
    mirror: false,
    capabilities: allCapabilities,
    headers: {},
    ...special,
  };
}
