/** containerd-shim-lite-v2: reads its command line and runs one of the modes, each of which loads only what it needs. */
import fs from 'node:fs';
import { StackError, messageOf } from '#spec/errors';
import { version } from '#lib/installation/installation';
import { parseCommandLine } from './command-line.ts';
import { handoverVersion } from './handover-version.ts';

async function main(args: readonly string[]): Promise<void> {
  const line = parseCommandLine(args);
  switch (line.verb) {
    case 'version':
      fs.writeSync(
        1,
        `containerd-shim-lite-v2:\n  Version:  ${version}\n  Handover: ${handoverVersion}\n`,
      );
      return;
    case 'info':
      (await import('./commands/info.ts')).printInfo();
      return;
    case 'start':
      return (await import('./commands/start.ts')).start(line);
    case 'delete':
      return (await import('./commands/delete.ts')).deleteContainer(line);
    case 'standby':
      (await import('./commands/standby.ts')).standBy(line);
      return;
    case 'serve':
      return line.protocol === 'grpc'
        ? (await import('./commands/serve-grpc.ts')).serveByGrpc(line)
        : (await import('./commands/serve.ts')).serve(line);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  // containerd shows what a shim prints as the reason why the container could not be started.
  const text = error instanceof Error && !(error instanceof StackError) ? error.stack : undefined;
  fs.writeSync(2, `containerd-shim-lite-v2: ${text ?? messageOf(error)}\n`);
  process.exit(1);
});
