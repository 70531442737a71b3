/** The verbs that read the state of a container and send it a signal: they start in a moment and load little. */
import type { CommandTable } from './command-line/run-command-line.ts';

export const quickCommands: CommandTable = {
  delete: async () => (await import('./commands/delete.ts')).deleteContainer,
  kill: async () => (await import('./commands/kill.ts')).kill,
  start: async () => (await import('./commands/start.ts')).start,
  state: async () => (await import('./commands/state.ts')).state,
};
