/** The runtime's command line. What the quick verbs do not need lies in a bundle of its own (main-all.ts). */
import { runCommandLine } from './command-line/run-command-line.ts';
import { quickCommands } from './quick-commands.ts';

const args = process.argv.slice(2);

void runCommandLine(args, quickCommands, async () => {
  const { runAnyCommandLine } = await import('./main-all.ts');
  return runAnyCommandLine(args);
}).then((code) => process.exit(code));
