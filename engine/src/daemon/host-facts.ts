/** What the engine knows of its host, read once at the start. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '#lib/atomic-file/atomic-file';
import { errorCode } from '#spec/errors';
import { cgroupAbilities } from './cgroup-abilities.ts';
import type { CgroupAbilities } from '../container-spec/resources.ts';
import { hostSecurityModules, type SecurityModules } from '../container-spec/security-options.ts';

export interface HostFacts {
  /** Of this engine, kept below its data root. */
  id: string;
  name: string;
  kernelVersion: string;
  operatingSystem: string;
  osVersion: string;
  /** As Go's GOARCH. */
  goArchitecture: 'amd64' | 'arm64';
  /** As uname -m. */
  machine: string;
  cpus: number;
  memoryBytes: number;
  cgroupVersion: '1' | '2';
  cgroups: CgroupAbilities;
  securityModules: SecurityModules;
}

/** Gathers the facts; creates the engine's id on its first start. */
export async function readHostFacts(dataRoot: string): Promise<HostFacts> {
  const osRelease = parseOsRelease(await readOr('/etc/os-release', ''));
  const cgroupVersion = fs.existsSync('/sys/fs/cgroup/cgroup.controllers') ? '2' : '1';
  return {
    id: await engineId(dataRoot),
    name: os.hostname(),
    kernelVersion: os.release(),
    operatingSystem: osRelease.get('PRETTY_NAME') ?? 'Linux',
    osVersion: osRelease.get('VERSION_ID') ?? '',
    goArchitecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    machine: os.machine(),
    cpus: os.cpus().length,
    memoryBytes: os.totalmem(),
    cgroupVersion,
    securityModules: hostSecurityModules(),
    cgroups: cgroupAbilities(),
  };
}

async function engineId(dataRoot: string): Promise<string> {
  const file = path.join(dataRoot, 'engine-id');
  const known = (await readOr(file, '')).trim();
  if (known !== '') return known;
  const id = randomUUID();
  await writeFileAtomic(file, `${id}\n`, { durable: true });
  return id;
}

function parseOsRelease(text: string): Map<string, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^([A-Z_]+)="?(.*?)"?$/.exec(line) ?? [];
      return key !== undefined && value !== undefined ? [[key, value] as const] : [];
    }),
  );
}

async function readOr(file: string, absent: string): Promise<string> {
  try {
    return await fs.promises.readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return absent;
    throw error;
  }
}
