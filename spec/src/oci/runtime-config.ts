/**
 * config.json of a bundle: runtime-spec 1.3, Linux. Its parts stand beside this file: process, mount, hooks, linux,
 * resources, seccomp. Properties of other platforms (windows, solaris, vm, …) are ignored, as are unknown ones.
 */
import {
  array,
  boolean,
  cString,
  nonEmptyString,
  object,
  optional,
  record,
  refine,
  reject,
  string,
} from '../json-decoder.ts';
import { decodeHooks, type Hooks } from './hooks.ts';
import { decodeLinux, type LinuxConfig } from './linux.ts';
import { decodeMount, type Mount } from './mount.ts';
import { decodeProcess, type Process } from './process.ts';
import { ociVersion } from './version.ts';

export interface Root {
  /** Relative to the bundle, or absolute. */
  path: string;
  readonly?: boolean;
}

export interface RuntimeConfig {
  ociVersion: string;
  root: Root;
  process: Process;
  hostname?: string;
  domainname?: string;
  mounts?: Mount[];
  hooks?: Hooks;
  annotations?: Record<string, string>;
  linux?: LinuxConfig;
}

/** runtimes accept every 1.x: a minor version adds, and what is unknown is ignored. */
const version = refine(nonEmptyString, (text, path) => {
  if (!/^\d+\.\d+\.\d+(?:[-+].*)?$/.test(text)) reject(path, `"${text}" is not a semantic version`);
  if (!text.startsWith('1.'))
    reject(path, `version "${text}" is not supported (1.0.0 to ${ociVersion})`);
});

const decodeRuntimeConfig = refine(
  object<RuntimeConfig>({
    ociVersion: version,
    root: object<Root>({ path: nonEmptyString, readonly: optional(boolean) }),
    process: decodeProcess,
    hostname: optional(cString),
    domainname: optional(cString),
    mounts: optional(array(decodeMount)),
    hooks: optional(decodeHooks),
    annotations: optional(record(string)),
    linux: optional(decodeLinux),
  }),
  ({ hostname, domainname, linux = {} }) => {
    const namespaces = new Set(linux.namespaces?.map(({ type }) => type));
    if (hostname && !namespaces.has('uts')) reject('hostname', 'needs a uts namespace');
    if (domainname && !namespaces.has('uts')) reject('domainname', 'needs a uts namespace');
    if (Object.keys(linux.timeOffsets ?? {}).length > 0) {
      if (!namespaces.has('time')) reject('linux.timeOffsets', 'needs a time namespace');
      if (linux.namespaces?.some(({ type, path }) => type === 'time' && path)) {
        reject('linux.timeOffsets', 'cannot be set of a time namespace that is joined by path');
      }
    }
    if (Object.keys(linux.netDevices ?? {}).length > 0 && !namespaces.has('network')) {
      reject('linux.netDevices', 'needs a network namespace');
    }
    const mapped = (linux.uidMappings?.length ?? 0) + (linux.gidMappings?.length ?? 0) > 0;
    if (mapped && !namespaces.has('user')) reject('linux.uidMappings', 'needs a user namespace');
  },
);

/** Checks a parsed config.json. Throws invalid_argument naming the place: `process.args[2]: expected a string, got 7`. */
export function parseRuntimeConfig(json: unknown): RuntimeConfig {
  return decodeRuntimeConfig(json, '');
}
