/** The busybox image of the development registry, for daemons that cannot reach it. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Context } from 'mocha';
import { runOk } from '../harness/command.ts';
import type { RealDocker } from '../harness/real-docker.ts';
import { devRegistry } from '../harness/registry.ts';

/** Its name on the development registry. */
export async function busyboxReference(context: Context): Promise<string> {
  return `${await devRegistry(context)}/busybox:latest`;
}

/** Loads it into a dockerd in a network namespace of its own, where no registry is. Returns its name there. */
export async function loadBusybox(context: Context, docker: RealDocker): Promise<string> {
  const name = 'busybox:interop';
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'image-'));
  try {
    const archive = path.join(folder, 'busybox.tar');
    const source = `docker://${await busyboxReference(context)}`;
    const target = `docker-archive:${archive}:${name}`;
    await runOk('skopeo', ['copy', '-q', '--src-tls-verify=false', source, target]);
    await docker.dockerOk('load', '-q', '-i', archive);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  return name;
}
