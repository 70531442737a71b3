/** Where a shim listens, and the three forms in which shims say it. */
import { StackError } from '#spec/errors';
import { BootstrapResult } from '#proto/generated/containerd.runtime.bootstrap.v1';

/** In the words of the shim protocol. */
export interface ShimEndpoint {
  /** Of the Task service: 2 or 3. */
  version: number;
  /** `unix://` and a path; for gRPC also the path alone. */
  address: string;
  protocol: string;
}

/**
 * What a shim prints for `start`: an address alone (version 2 over ttrpc), JSON, or a BootstrapResult of containerd 2.3.
 * Their first bytes differ. Throws internal for anything else.
 */
export function parseEndpoint(answer: Uint8Array): ShimEndpoint {
  const text = Buffer.from(answer).toString('utf8').trim();
  if (/^(?:unix:\/\/)?\/\S+$/.test(text)) {
    return { version: 2, address: text, protocol: 'ttrpc' };
  }
  const endpoint = text.startsWith('{') ? parseJson(text) : decodeResult(answer);
  if (endpoint) return endpoint;
  throw new StackError('internal', `shim did not answer with an address but "${text}"`);
}

function parseJson(text: string): ShimEndpoint | undefined {
  try {
    // Checked below; an array or another value has none of the three.
    const { version, address, protocol } = JSON.parse(text) as Record<string, unknown>;
    if (typeof version !== 'number' || typeof address !== 'string') return undefined;
    return typeof protocol === 'string' ? { version, address, protocol } : undefined;
  } catch {
    return undefined;
  }
}

function decodeResult(answer: Uint8Array): ShimEndpoint | undefined {
  try {
    const { version, address, protocol } = BootstrapResult.decode(answer);
    return address === '' ? undefined : { version, address, protocol };
  } catch {
    return undefined;
  }
}
