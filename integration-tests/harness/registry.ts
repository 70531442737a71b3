/** One development registry for the whole test run, started by the first test that needs it (scripts/dev-registry). */
import path from 'node:path';
import type { Context } from 'mocha';
import { runOk } from './command.ts';
import { needPeers } from './peers.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/dev-registry');

let shared: Promise<string> | undefined;

/** `127.0.0.1:PORT`, with the images that scripts/dev-registry describes. */
export function devRegistry(context: Context): Promise<string> {
  needPeers(context, 'docker-registry', 'skopeo', 'debootstrap');
  context.timeout(600_000); // the first start on a machine runs debootstrap
  shared ??= startRegistry();
  return shared;
}

/** Stops it if it was started. */
export async function stopDevRegistry(): Promise<void> {
  if (shared === undefined) return;
  shared = undefined;
  await runOk(script, ['stop']);
}

async function startRegistry(): Promise<string> {
  const { stdout } = await runOk(script, [], { timeoutMs: 600_000 });
  const address = /REG=(127\.0\.0\.1:\d+)/.exec(stdout)?.[1];
  if (address === undefined) throw new Error(`scripts/dev-registry printed no address: ${stdout}`);
  return address;
}
