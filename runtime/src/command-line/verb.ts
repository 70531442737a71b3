/** Which verb a command line has, for whoever only wants to know who can carry it out. */
import { parseFlags } from './flags.ts';
import { globalFlags } from './global-flags.ts';

/** undefined where there is no verb, where it does not matter (--version, --help), or where the flags are wrong. */
export function verbOf(args: readonly string[]): string | undefined {
  try {
    const globals = parseFlags(args, globalFlags);
    return globals.has('version') || globals.has('help') ? undefined : globals.positional[0];
  } catch {
    return undefined; // whoever carries it out parses it again, and says what is wrong
  }
}
