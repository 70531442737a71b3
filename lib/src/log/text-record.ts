/** Records as lines of `key=value`, as logrus writes them where nobody looks on (`--log-format text`). */

/** `replacer` turns values into what JSON can say; texts are quoted where they have to be. */
export function textRecord(
  fields: Readonly<Record<string, unknown>>,
  replacer: (key: string, value: unknown) => unknown,
): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${textOf(replacer(key, value), replacer)}`)
    .join(' ');
}

function textOf(value: unknown, replacer: (key: string, value: unknown) => unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, replacer);
  return /^[\w./@^+:-]+$/.test(text) ? text : JSON.stringify(text);
}
