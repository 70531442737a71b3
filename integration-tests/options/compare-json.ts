/** Comparing two JSON documents word for word: an absent property is neither null nor empty. */

export interface Difference {
  /** `.HostConfig.Ulimits[0].Name` */
  readonly path: string;
  /** As JSON, or `absent`. */
  readonly first: string;
  readonly second: string;
}

/** All places where two documents differ, uppermost only. */
export function differences(first: unknown, second: unknown, path = ''): Difference[] {
  if (Array.isArray(first) && Array.isArray(second) && first.length === second.length) {
    return first.flatMap((item, index) => differences(item, second[index], `${path}[${index}]`));
  }
  if (isObject(first) && isObject(second)) {
    const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
    return [...keys].flatMap((key) => differences(first[key], second[key], `${path}.${key}`));
  }
  const [one, other] = [text(first), text(second)];
  return one === other ? [] : [{ path, first: one, second: other }];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
