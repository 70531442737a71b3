/** The bundle of all verbs, for those that have none of their own. */
import { version } from '#lib/installation/installation';
import { ociVersion } from '#spec/oci/version';
import { globalFlags } from './command-line/global-flags.ts';
import { globalHelp } from './command-line/help.ts';
import { print } from './command-line/output.ts';
import { openLog, runCommandLine, type CommandTable } from './command-line/run-command-line.ts';
import { quickCommands } from './quick-commands.ts';

const commands: CommandTable = {
  ...quickCommands,
  checkpoint: async () => (await import('./commands/checkpoint.ts')).checkpoint,
  create: async () => (await import('./commands/create.ts')).create,
  events: async () => (await import('./commands/events.ts')).events,
  exec: async () => (await import('./commands/exec.ts')).exec,
  explain: async () => (await import('./commands/explain.ts')).explain,
  features: async () => (await import('./commands/features.ts')).features,
  list: async () => (await import('./commands/list.ts')).list,
  pause: async () => (await import('./commands/pause.ts')).pause,
  ps: async () => (await import('./commands/ps.ts')).ps,
  restore: async () => (await import('./commands/restore.ts')).restore,
  resume: async () => (await import('./commands/pause.ts')).resume,
  run: async () => (await import('./commands/run.ts')).run,
  serve: async () => (await import('./commands/serve.ts')).serveWith(runAnyCommandLine),
  spec: async () => (await import('./commands/spec.ts')).spec,
  update: async () => (await import('./commands/update.ts')).update,
};

/** Runs whatever the command line says; returns the exit code and never throws. */
export function runAnyCommandLine(args: readonly string[]): Promise<number> {
  return runCommandLine(args, commands, async (globals) => {
    const log = openLog(globals);
    if (globals.has('version')) {
      print(`runtime version ${version}\nspec: ${ociVersion}\n`);
      return 0;
    }
    const [verb] = globals.positional;
    if (globals.has('help') || verb === undefined || verb === 'help') {
      print(globalHelp(Object.keys(commands).sort(), globalFlags));
      return 0;
    }
    log.error(`no such command: "${verb}"`);
    return 1;
  });
}
