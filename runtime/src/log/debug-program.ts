/** `--debug`: the steps of a program before it runs, and its conversation with the runtime while it does. */
import type { Program } from '#lib/loader/program';
import type { ConversationOptions } from '../host/conversation.ts';
import type { RuntimeLog } from './runtime-log.ts';

/** Logs the steps; returns what the conversation is to tell. Nothing without --debug. */
export function debugProgram(
  log: RuntimeLog,
  program: Program,
): Pick<ConversationOptions, 'onMessage'> {
  if (!log.isDebugging) return {};
  log.debug(`a program of ${program.operations.length} operations`);
  let last = '';
  for (const { stage, property } of program.operations) {
    const step = property === undefined ? stage : `${stage} (${property})`;
    if (step !== last) log.debug(`to do: ${step}`);
    last = step;
  }
  return {
    onMessage({ tag, value }) {
      log.debug(`the program says: ${tag}${value === 0 ? '' : ` ${value}`}`);
    },
  };
}
