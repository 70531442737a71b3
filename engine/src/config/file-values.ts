/** Values of daemon.json that are more than text, as the words that the command line would have. */
import { StackError } from '#spec/errors';

/** `{"name": {"path": "…"}}` as `name=path`. Throws invalid_argument. */
export function runtimesFromFile(value: unknown): string[] {
  return Object.entries(objectOf('runtimes', value)).map(([name, runtime]) => {
    const { path, ...rest } = objectOf(`runtimes.${name}`, runtime);
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) {
      throw new StackError(
        'unimplemented',
        `"${unknown}" of runtime "${name}" is not implemented by this engine`,
      );
    }
    if (typeof path === 'string' && path !== '') return `${name}=${path}`;
    throw new StackError('invalid_argument', `runtime "${name}" has no path`);
  });
}

/** `{"max-size": "10m"}` as `max-size=10m`. Throws invalid_argument. */
export function logOptionsFromFile(value: unknown): string[] {
  return Object.entries(objectOf('log-opts', value)).map(([name, text]) => {
    if (typeof text !== 'string') throw wrongType(`log-opts.${name}`, 'a string', text);
    return `${name}=${text}`;
  });
}

/** `[{"base": "…", "size": 24}]` as `base=…,size=24`. Throws invalid_argument. */
export function addressPoolsFromFile(value: unknown): string[] {
  if (!Array.isArray(value)) throw wrongType('default-address-pools', 'an array', value);
  return value.map((pool) =>
    Object.entries(objectOf('default-address-pools', pool))
      .map(([name, part]) => `${name}=${String(part)}`)
      .join(','),
  );
}

/** `{"nofile": {"Name": "nofile", "Soft": 1, "Hard": 2}}` as `nofile=1:2`. Throws invalid_argument. */
export function ulimitsFromFile(value: unknown): string[] {
  return Object.entries(objectOf('default-ulimits', value)).map(([name, ulimit]) => {
    const { Soft: soft, Hard: hard } = objectOf(`default-ulimits.${name}`, ulimit);
    if (typeof soft === 'number' && typeof hard === 'number') return `${name}=${soft}:${hard}`;
    throw new StackError('invalid_argument', `ulimit "${name}" has no numbers Soft and Hard`);
  });
}

/** `{"name": true}` as `name=true`. Throws invalid_argument. */
export function featuresFromFile(value: unknown): string[] {
  return Object.entries(objectOf('features', value)).map(([name, enabled]) => {
    if (typeof enabled !== 'boolean') throw wrongType(`features.${name}`, 'a boolean', enabled);
    return `${name}=${enabled}`;
  });
}

/** A number of bytes, or `"64M"`. Throws invalid_argument. */
export function sizeFromFile(value: unknown): string[] {
  if (typeof value === 'number' || typeof value === 'string') return [String(value)];
  throw wrongType('default-shm-size', 'a number or a string', value);
}

/** Throws invalid_argument for anything but a JSON object. */
export function objectOf(key: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(key, 'an object', value);
  }
  return value as Record<string, unknown>; // JSON objects have string keys only
}

/** The error for a value that has another type than its key wants. */
export function wrongType(key: string, wanted: string, value: unknown): StackError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
  return new StackError(
    'invalid_argument',
    `invalid JSON: "${key}" must be ${wanted}, not ${found}`,
  );
}
