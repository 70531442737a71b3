/** The shim, speaking ttrpc. */
import { TtrpcServer } from '#proto/ttrpc-server';
import type { CommandLine } from '../command-line.ts';
import { serveShim, type ServeOptions } from '../shim.ts';

/** Resolves when it listens. */
export function serve(
  line: CommandLine,
  options: Omit<ServeOptions, 'createServer'> = {},
): Promise<void> {
  return serveShim(line, { ...options, createServer: (reports) => new TtrpcServer(reports) });
}
