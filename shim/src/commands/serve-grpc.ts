/** The shim, speaking gRPC: for clients that ask for it. It costs 12 MB more. */
import { setTimeout as delay } from 'node:timers/promises';
import { GrpcServer } from '#proto/server';
import type { CommandLine } from '../command-line.ts';
import { serveShim } from '../shim.ts';

/** grpc-js hands an answer to the socket some turns of the event loop later, that to Shutdown as well. */
const answerMs = 100;

/** Resolves when it listens. */
export function serveByGrpc(line: CommandLine): Promise<void> {
  return serveShim(line, {
    createServer: (reports) => {
      const server = new GrpcServer(reports);
      return {
        serve: (service, handlers) => server.serve(service, handlers),
        listen: (where) => server.listen(where),
        close: async () => {
          await delay(answerMs);
          await server.close();
        },
      };
    },
  });
}
