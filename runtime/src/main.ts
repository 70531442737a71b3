/**
 * The runtime's command line. Each verb starts a process of its own, and reading and compiling what it does not need
 * costs more than its work: so the verbs lie in several bundles (scripts/build/bundle.ts), and this one only chooses.
 */
import { verbOf } from './command-line/verb.ts';

const args = process.argv.slice(2);

async function runCommandLine(): Promise<number> {
  switch (verbOf(args)) {
    case 'start':
    case 'state':
    case 'kill':
    case 'delete':
      return (await import('./main-quick.ts')).runQuickCommandLine(args);
    case 'create':
    case 'run':
      return (await import('./main-create.ts')).runCreateCommandLine(args);
    case 'exec':
      return (await import('./main-exec.ts')).runExecCommandLine(args);
    default:
      return (await import('./main-all.ts')).runAnyCommandLine(args);
  }
}

void runCommandLine().then((code) => process.exit(code));
