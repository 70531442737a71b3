/** Development registries (scripts/dev-registry): one shared by a whole test run, and more where a test needs its own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Context } from 'mocha';
import { runOk } from './command.ts';
import { needPeers } from './peers.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/dev-registry');

/** A running registry with the images that scripts/dev-registry describes. */
export interface Registry {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  stop(): Promise<void>;
}

/** Starts a registry with data of its own, so that no other run's `stop` ends it; in a network namespace if one is named. */
export async function startRegistry(netns?: string): Promise<Registry> {
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'registry-'));
  const env = { DEV_REGISTRY_STATE: state };
  const options = { env, timeoutMs: 600_000 };
  const { stdout } = await (netns === undefined
    ? runOk(script, [], options)
    : runOk('nsenter', [`--net=/run/netns/${netns}`, '--', script], options));
  const address = /REG=(127\.0\.0\.1:\d+)/.exec(stdout)?.[1];
  if (address === undefined) throw new Error(`scripts/dev-registry printed no address: ${stdout}`);
  return {
    address,
    async stop() {
      await runOk(script, ['stop'], { env });
      fs.rmSync(state, { recursive: true, force: true });
    },
  };
}

let shared: Promise<Registry> | undefined;

/** Address of the registry of the whole test run, started by the first test that needs it. */
export async function devRegistry(context: Context): Promise<string> {
  needPeers(context, 'docker-registry', 'skopeo', 'debootstrap');
  context.timeout(600_000); // the first start on a machine runs debootstrap
  shared ??= startRegistry();
  return (await shared).address;
}

/** Stops it if it was started. */
export async function stopDevRegistry(): Promise<void> {
  const registry = await shared;
  shared = undefined;
  await registry?.stop();
}
