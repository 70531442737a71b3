/**
 * All that a shim knows of its containers, as plain values: they can be written down and read back, by `delete` after
 * a crash and by a newer shim that takes over. What is open lives elsewhere.
 */
import fs from 'node:fs';
import path from 'node:path';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import type { Timestamp } from '#proto/generated/google.protobuf';
import type { RuntimeOptions } from './runtime-options.ts';

/** `created` also holds for an exec that was added and not started. */
export type ProcessStatus = 'created' | 'running' | 'paused' | 'stopped';

/** The paths in the Create or Exec request; empty means /dev/null. */
export interface StdioPaths {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

/** The container's first process, or an exec. */
export interface ProcessState {
  /** Empty for the container's first process. */
  execId: string;
  /** 0 for an exec that was not started. */
  pid: number;
  status: ProcessStatus;
  stdio: StdioPaths;
  /** How it ended; set before it is stopped where the end is not announced yet. */
  exit?: ExitRecord;
  /** Of an exec: the OCI process, as JSON. */
  spec?: string;
}

/** How a process ended. */
export interface ExitRecord {
  pid: number;
  /** 0 to 255; 128 and the signal where one ended it. */
  exitStatus: number;
  exitedAt: Timestamp;
}

export interface ContainerState {
  id: string;
  namespace: string;
  bundle: string;
  runtime: RuntimeOptions;
  /** Whether the shim mounted <bundle>/rootfs. */
  rootfsMounted: boolean;
  /** Of a container that continues a saved one. */
  checkpoint?: Checkpoint;
  /** Path of the container's cgroup in every hierarchy; absent where it has none of its own. */
  cgroup?: string;
  /** How many of its processes the kernel had killed for want of memory when that was last announced. */
  reportedOomKills: number;
  /** Without a pid namespace of its own a container's processes outlive its first one: they are killed. */
  privatePidNamespace: boolean;
  init: ProcessState;
  execs: ProcessState[];
}

/** Folders of criu's images. */
export interface Checkpoint {
  image: string;
  /** Empty where there is none. */
  parent: string;
}

const stateFile = 'shim-state.json';
const exitFile = 'exit-status.json';

/** Writes what `delete` needs to know of a container, before the container is made. */
export function saveState(state: ContainerState): void {
  writeFileAtomicSync(path.join(state.bundle, stateFile), JSON.stringify(state));
}

/** What {@link saveState} wrote, if it came that far. */
export function loadState(bundle: string): ContainerState | undefined {
  return readJson(path.join(bundle, stateFile)) as ContainerState | undefined; // only saveState writes it
}

/** After an orderly end there is nothing for `delete` to do. */
export function forgetState(bundle: string): void {
  fs.rmSync(path.join(bundle, stateFile), { force: true });
}

/** Writes how the container ended, so that it survives the shim. On the disk when this returns. */
export function saveExit(bundle: string, exit: ExitRecord): void {
  writeFileAtomicSync(path.join(bundle, exitFile), JSON.stringify(exit), { durable: true });
}

/** What {@link saveExit} wrote, if the container has ended. */
export function loadExit(bundle: string): ExitRecord | undefined {
  return readJson(path.join(bundle, exitFile)) as ExitRecord | undefined; // only saveExit writes it
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as unknown;
  } catch {
    return undefined; // not written yet; a half-written one cannot exist
  }
}
