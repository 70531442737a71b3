/** `engine exec` */
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { environment } from '../container/environment.ts';
import { copyStreams, followTerminalSize, terminalSize } from '../terminal/attached-streams.ts';
import { chosenDetachKeys } from '../terminal/detach-keys.ts';
import { needTerminal } from '../terminal/need-terminal.ts';

export const exec = defineCommand({
  synopsis: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  arguments: { min: 2 },
  interspersed: false,
  flags: {
    detach: boolean('Detached mode: run command in the background', 'd'),
    'detach-keys': text('Override the key sequence for detaching a container'),
    env: list('Set environment variables', 'e'),
    'env-file': list('Read in a file of environment variables'),
    interactive: boolean('Keep STDIN open even if not attached', 'i'),
    privileged: boolean('Give extended privileges to the command'),
    tty: boolean('Allocate a pseudo-TTY', 't'),
    user: text('Username or UID (format: "<name|uid>[:<group|gid>]")', 'u'),
    workdir: text('Working directory inside the container', 'w'),
  },
  async run({ client }, values, [container = '', ...command]) {
    const detachKeys = chosenDetachKeys(values['detach-keys']);
    if (values.tty && values.interactive && !values.detach) needTerminal();
    const size = values.tty ? terminalSize() : undefined;
    const { Id: id } = await client.json<{ Id: string }>('POST', `/containers/${container}/exec`, {
      body: {
        Cmd: command,
        AttachStdin: values.interactive && !values.detach,
        AttachStdout: !values.detach,
        AttachStderr: !values.detach,
        Tty: values.tty,
        Env: environment(values['env-file'], values.env),
        Privileged: values.privileged,
        User: values.user ?? '',
        WorkingDir: values.workdir ?? '',
        ...(size && { ConsoleSize: [size.h, size.w] }),
      },
    });
    const body = {
      Detach: values.detach,
      Tty: values.tty,
      ...(size && { ConsoleSize: [size.h, size.w] }),
    };
    if (values.detach) {
      await client.json('POST', `/exec/${id}/start`, { body });
      return 0;
    }
    const connection = await client.hijack(`/exec/${id}/start`, { body });
    const stopResizing = values.tty
      ? followTerminalSize((now) => client.json('POST', `/exec/${id}/resize`, { query: now }))
      : () => undefined;
    try {
      const end = await copyStreams(connection, {
        tty: values.tty,
        stdin: values.interactive,
        detachKeys,
      });
      if (end === 'detached') return 0;
    } finally {
      stopResizing();
    }
    const { ExitCode: status } = await client.json<{ ExitCode: number | null }>(
      'GET',
      `/exec/${id}/json`,
    );
    return status ?? 0;
  },
});
