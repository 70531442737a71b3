/** What docker leaves out of its tables unless `--no-trunc` says otherwise. */

/** `0123456789ab` of an id or a digest. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** At most `length` characters; the last is `…` where something was left out. */
export function ellipsis(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** `a=b,c=d`, sorted. */
export function showLabels(labels: Readonly<Record<string, string>> | null | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}
