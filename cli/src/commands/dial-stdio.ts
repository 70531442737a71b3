/** `engine system dial-stdio`: stdin and stdout become a connection with the daemon. What `-H ssh://` calls over there. */
import { StackError, messageOf } from '#spec/errors';
import { dial } from '../client/transport.ts';
import { defineCommand } from '../command-line/command.ts';

export const dialStdio = defineCommand({
  synopsis: '',
  arguments: { min: 0, max: 0 },
  flags: {},
  async run({ client }) {
    const connection = await dial(client.endpoint).catch((error: unknown) => {
      throw new StackError(
        'unavailable',
        `failed to open the raw stream connection: ${messageOf(error)}`,
        { cause: error },
      );
    });
    // The daemon's end ends this, the caller's does not: answers to what was asked are still on their way.
    process.stdin.pipe(connection);
    await new Promise<void>((resolve, reject) => {
      connection.once('error', reject);
      connection.on('data', (chunk: Buffer) => {
        if (process.stdout.write(chunk)) return;
        connection.pause();
        process.stdout.once('drain', () => connection.resume());
      });
      connection.once('close', resolve);
      connection.once('end', resolve);
    });
    return 0;
  },
});
