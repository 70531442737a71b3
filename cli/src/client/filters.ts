/** `--filter` on the command line, `filters` in the API. */
import { UsageError, splitOnce } from '../command-line/parse.ts';

/** `--filter name=web` for each, as the API wants them: `{"name":["web"]}`. Throws {@link UsageError} for `name`. */
export function filterQuery(filters: readonly string[]): string | undefined {
  if (filters.length === 0) return undefined;
  const grouped: Record<string, string[]> = {};
  for (const filter of filters) {
    const [key, value] = splitOnce(filter, '=');
    if (value === undefined)
      throw new UsageError(
        `invalid argument "${filter}" for "-f, --filter" flag: bad format of filter (expected name=value)`,
      );
    (grouped[key.trim().toLowerCase()] ??= []).push(value.trim());
  }
  return JSON.stringify(grouped);
}
