/** Ids of the three predefined networks and the subnet last used: what survives restarts of engined and machine. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { errorCode } from '#spec/errors';

export interface NetworkIdentity {
  /** 64 hex digits. */
  readonly id: string;
  /** RFC 3339. */
  readonly created: string;
}

/** The content of `<data-root>/network/networks.json`; engined alone reads and writes it. */
export interface NetworkIdentities {
  readonly bridge: NetworkIdentity;
  readonly host: NetworkIdentity;
  readonly none: NetworkIdentity;
  /** Bridge name and gateways (`172.30.0.1/16`) of the last start. */
  readonly lastBridge?: {
    readonly name: string;
    readonly gateway: string;
    readonly ipv6Gateway?: string;
  };
}

/** Reads the file, or makes new ids when there is none. */
export function loadIdentities(folder: string): NetworkIdentities {
  try {
    // Written by saveIdentities, replaced atomically: never half a file.
    return JSON.parse(fs.readFileSync(fileIn(folder), 'utf8')) as NetworkIdentities;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return { bridge: newIdentity(), host: newIdentity(), none: newIdentity() };
  }
}

export function saveIdentities(folder: string, identities: NetworkIdentities): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o710 });
  writeFileAtomicSync(fileIn(folder), JSON.stringify(identities, null, 2));
}

/** 64 hex digits, as docker's ids of networks, sandboxes and endpoints. */
export function newId(): string {
  return randomBytes(32).toString('hex');
}

function newIdentity(): NetworkIdentity {
  return { id: newId(), created: new Date().toISOString() };
}

function fileIn(folder: string): string {
  return path.join(folder, 'networks.json');
}
