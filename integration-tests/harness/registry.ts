/** One development registry for the whole test run, started by the first test that needs it (scripts/dev-registry). */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Context } from 'mocha';
import { runOk } from './command.ts';
import { needPeers } from './peers.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/dev-registry');

let shared: Promise<string> | undefined;
/** Where this run's registry keeps its data: another run's `stop` must not end it. */
let state = '';

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
  await runOk(script, ['stop'], { env: { DEV_REGISTRY_STATE: state } });
  fs.rmSync(state, { recursive: true, force: true });
}

async function startRegistry(): Promise<string> {
  state = fs.mkdtempSync(path.join(os.tmpdir(), 'registry-'));
  const env = { DEV_REGISTRY_STATE: state };
  const { stdout } = await runOk(script, [], { env, timeoutMs: 600_000 });
  const address = /REG=(127\.0\.0\.1:\d+)/.exec(stdout)?.[1];
  if (address === undefined) throw new Error(`scripts/dev-registry printed no address: ${stdout}`);
  return address;
}
