/**
 * `scripts/dev-registry [start]` prints `REG=127.0.0.1:PORT`; a running one is used again. `scripts/dev-registry stop`.
 *
 *     busybox        busybox-static, Docker schema 2; tag `oci` is the same as an OCI image
 *     debian         debootstrap minbase bookworm in three layers, OCI
 *     multi          an OCI index with amd64 and arm64; tag `list` is a Docker manifest list
 *     wrong-digest   a layer whose content is not what its digest says
 *     corrupt-layer  a layer that is damaged gzip data, under the right digest
 *     wrong-diff-id  a config that names another diff ID than the layer has
 *     escape         a layer that tries to write outside the root
 *
 * Images are made once and kept in a cache ($DEV_REGISTRY_CACHE, else ~/.cache/engine-dev-registry); what is pushed to
 * a registry lives as long as it ($DEV_REGISTRY_STATE, else a folder below the temporary directory).
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createImages } from './images.ts';
import { installMissingPackages } from './packages.ts';
import { fillRegistry } from './push.ts';
import { runningRegistry, startRegistry, stopRegistry } from './server.ts';

/** Changes with what the images contain: an older cache is not used. */
const recipe = 1;

const cache =
  process.env['DEV_REGISTRY_CACHE'] ?? path.join(os.homedir(), '.cache/engine-dev-registry');
const state = process.env['DEV_REGISTRY_STATE'] ?? path.join(os.tmpdir(), 'engine-dev-registry');

const [command = 'start', ...rest] = process.argv.slice(2);
if (rest.length > 0 || !['start', 'stop'].includes(command)) {
  process.stderr.write('usage: scripts/dev-registry [start|stop]\n');
  process.exit(2);
}
if (command === 'stop') {
  await stopRegistry(state);
  fs.rmSync(state, { recursive: true, force: true });
} else {
  const address = runningRegistry(state) ?? (await start());
  process.stdout.write(`REG=${address}\n`);
}

async function start(): Promise<string> {
  installMissingPackages();
  const storage = path.join(cache, `storage-${recipe}-${process.arch}`);
  if (!fs.existsSync(storage)) await fillCache(storage);
  fs.rmSync(state, { recursive: true, force: true });
  fs.mkdirSync(state, { recursive: true });
  fs.cpSync(storage, path.join(state, 'storage'), { recursive: true });
  return startRegistry(state, path.join(state, 'storage'));
}

/** Makes the images and a registry's storage with them. It appears under its name only when it is complete. */
async function fillCache(storage: string): Promise<void> {
  fs.mkdirSync(cache, { recursive: true });
  const work = fs.mkdtempSync(path.join(cache, 'work-'));
  try {
    const images = await createImages(work);
    const filled = path.join(work, 'storage');
    const address = await startRegistry(work, filled);
    try {
      fillRegistry(address, filled, images);
    } finally {
      await stopRegistry(work);
    }
    fs.rmSync(storage, { recursive: true, force: true });
    fs.renameSync(filled, storage);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
