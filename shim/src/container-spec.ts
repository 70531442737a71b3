/** What a shim wants to know of a container's config.json. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';

export interface ContainerSpec {
  /** Whether the container's processes end with its first one. */
  privatePidNamespace: boolean;
  /** Whether the runtime runs programs of others, or waits for them: hooks, a listener for seccomp. */
  involvesOthers: boolean;
}

/** Throws invalid_argument where config.json of the bundle cannot be read. */
export function readContainerSpec(bundle: string): ContainerSpec {
  const file = path.join(bundle, 'config.json');
  try {
    // The runtime checks it.
    const { linux, hooks } = JSON.parse(fs.readFileSync(file, 'utf8')) as {
      hooks?: Readonly<Record<string, unknown[] | null>> | null;
      linux?: {
        namespaces?: { type?: string; path?: string }[];
        seccomp?: { listenerPath?: string } | null;
      };
    };
    return {
      privatePidNamespace:
        linux?.namespaces?.some(({ type, path }) => type === 'pid' && !path) ?? false,
      involvesOthers:
        Object.values(hooks ?? {}).some((list) => list?.length) ||
        Boolean(linux?.seccomp?.listenerPath),
    };
  } catch (error) {
    throw new StackError('invalid_argument', `cannot read ${file}: ${messageOf(error)}`);
  }
}
