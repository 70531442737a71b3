/** What `stop` and `restart` take: how a container is told to end, and how long it may take. */
import { text } from '../command-line/flags.ts';
import { parseInteger } from '../format/units.ts';

export const stopFlags = {
  signal: text('Signal to send to the container', 's'),
  timeout: text('Seconds to wait before killing the container', 't', 'int'),
  time: { ...text('Old name of --timeout', undefined, 'int'), hidden: true },
};

/** The query of the API for values of {@link stopFlags}. Throws UsageError. */
export function stopQuery({
  signal,
  timeout,
  time,
}: {
  signal: string | undefined;
  timeout: string | undefined;
  time: string | undefined;
}): { signal: string | undefined; t: number | undefined } {
  const seconds = timeout ?? time;
  return { signal, t: seconds === undefined ? undefined : parseInteger(seconds, '-t, --timeout') };
}
