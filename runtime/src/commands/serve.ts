/**
 * `serve`: carries out command lines one after the other, so that a supervisor needs no process start for each.
 *
 *   supervisor ── {"args", "cwd", "stdio"} ──▶ descriptor 3 ──▶ the same code as `runtime <args>` in a process of its own
 *       ▲                                                                                │
 *       └──────────────── {"exitCode"} ◀── descriptor 3 ◀────────────────────────────────┘
 *
 * `{"rehearse": true}` goes through a create that makes nothing, `{"rest": true}` gives back memory: for the time until a
 * command comes.
 *
 * One JSON object a line in both directions; what failed stands where `--log` in `args` says, as always. `stdio` names
 * three files that are opened as descriptors 0 to 2 for this one command: /dev/null, a FIFO, or /proc/PID/fd/N of the
 * supervisor. So each container gets open file descriptions of its own, and nothing of it stays open here. Further
 * descriptors are not handed on: `--preserve-fds` is refused.
 *
 * The supervisor must be the parent or a further ancestor, and a subreaper: when a command has ended, the container's
 * process is a child of the nearest one. The end of descriptor 3 ends `serve`; being killed at any moment means for the
 * command under way what it means for a process of its own.
 *
 * With `--listen` it serves several supervisors, which are no ancestors of its: see serve/shared-server.ts.
 */
import fs from 'node:fs';
import { releaseMemory } from '#lib/memory/release-memory';
import { setCloseOnExec } from '#lib/sys/descriptor';
import type { Command } from '../command-line/command.ts';
import { inheritNothing } from '../host/inherited-descriptors.ts';
import {
  loadCommands,
  parseRequest,
  ServedCommands,
  type RunCommandLine,
} from '../serve/served-command.ts';

const channel = 3;

/** `run` carries out one command line and returns its exit code; it does not throw. */
export function serveWith(run: RunCommandLine): Command {
  return {
    usage: 'serve',
    description: 'carry out the command lines that come over descriptor 3',
    flags: {
      rehearse: {
        kind: 'boolean',
        help: 'go through a create first, so that the next one is quick',
      },
      listen: {
        kind: 'string',
        help: 'take them over connections to this unix socket, until descriptor 3 ends',
      },
    },
    minimumArguments: 0,
    maximumArguments: 0,
    async run({ flags }) {
      setCloseOnExec(channel);
      inheritNothing();
      const commands = new ServedCommands(run);
      await loadCommands();
      const socket = flags.text('listen');
      if (socket !== undefined) {
        const { serveShared } = await import('../serve/shared-server.ts');
        await serveShared(socket, channel, commands);
        return 0;
      }
      if (flags.has('rehearse')) {
        (await import('../host/rehearsal.ts')).rehearseCreate();
        releaseMemory(); // nobody waits yet, and it may stand by for long
      }
      for (const line of lines()) {
        const exitCode = (await passTime(line)) ? 0 : await commands.carryOut(parseRequest(line));
        fs.writeSync(channel, `${JSON.stringify({ exitCode })}\n`);
      }
      return 0;
    },
  };
}

/** Does what is no command. Returns false for what is one. */
async function passTime(line: string): Promise<boolean> {
  const { rehearse, rest } = JSON.parse(line) as { rehearse?: unknown; rest?: unknown };
  if (rehearse === true) (await import('../host/rehearsal.ts')).rehearseOnce();
  if (rest === true) {
    process.chdir('/'); // a folder that is removed meanwhile
    releaseMemory();
  }
  return rehearse === true || rest === true;
}

/** Waits for one line after the other. Blocks: between two commands there is nothing else to do. */
function* lines(): Generator<string> {
  const chunk = Buffer.alloc(65_536);
  let text = '';
  for (let length = 1; length > 0;) {
    length = fs.readSync(channel, chunk);
    text += chunk.toString('utf8', 0, length);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}
