/** `SecurityOpt` of a HostConfig: what a container may do besides capabilities. */
import fs from 'node:fs';
import os from 'node:os';
import { StackError } from '#spec/errors';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import type { Seccomp } from '#spec/oci/seccomp';
import type { HostConfig } from '../api/host-config.ts';
import { compileSeccompProfile } from './seccomp-profile.ts';

export interface SecurityOptions {
  noNewPrivileges: boolean;
  /** `unconfined`, `builtin`, or the text of a profile; empty for what the engine does by itself. */
  seccomp: string;
  /** Name of a loaded AppArmor profile, or `unconfined`; empty for none. */
  apparmor: string;
  /** Of SELinux: `disable`, `type:…`, …; in their order. */
  labels: string[];
  /** Undefined: as privileged as the container is. */
  writableCgroups?: boolean;
}

/** What strconv.ParseBool takes. */
const booleans = new Map<string, boolean>([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** Reads docker's `key=value` (older: `key:value`) list; of several the last counts. Throws invalid_argument. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = {
    noNewPrivileges: false,
    seccomp: '',
    apparmor: '',
    labels: [],
  };
  for (const option of options) {
    if (option === 'no-new-privileges') {
      result.noNewPrivileges = true;
      continue;
    }
    if (option === 'writable-cgroups') {
      result.writableCgroups = true;
      continue;
    }
    if (option === 'disable') {
      result.labels.push(option);
      continue;
    }
    const separator = option.includes('=') ? '=' : ':';
    const at = option.indexOf(separator);
    if (at < 0) throw invalid(1, option);
    const [key, value] = [option.slice(0, at), option.slice(at + 1)];
    if (key === 'label') result.labels.push(value);
    else if (key === 'apparmor') result.apparmor = value;
    else if (key === 'seccomp') result.seccomp = value;
    else if (key === 'no-new-privileges' || key === 'writable-cgroups') {
      const enabled = booleans.get(value);
      if (enabled === undefined) throw invalid(2, option);
      if (key === 'no-new-privileges') result.noNewPrivileges = enabled;
      else result.writableCgroups = enabled;
    } else throw invalid(2, option);
  }
  return result;
}

/** The filter of system calls; undefined for none. Throws invalid_argument naming the place in a profile. */
export function seccompFilter(
  { seccomp: choice }: SecurityOptions,
  { Privileged: privileged }: Pick<HostConfig, 'Privileged'>,
  capabilities: readonly string[],
): Seccomp | undefined {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  if (choice === 'unconfined' || (choice === '' && privileged)) return undefined;
  if (choice === '' || choice === 'builtin') {
    return defaultSeccompProfile(capabilities, architecture);
  }
  return compileSeccompProfile(choice, {
    capabilities,
    architecture,
    kernelRelease: os.release(),
  });
}

/** What a kernel enforces besides capabilities and seccomp. */
export interface SecurityModules {
  apparmor: boolean;
  selinux: boolean;
}

export function hostSecurityModules(): SecurityModules {
  return {
    apparmor: firstCharacter('/sys/module/apparmor/parameters/enabled') === 'Y',
    selinux: firstCharacter('/sys/fs/selinux/enforce') !== '',
  };
}

/** The AppArmor profile that is to be set; undefined where there is nothing to set. */
export function apparmorProfile(
  { apparmor }: SecurityOptions,
  modules: SecurityModules,
): string | undefined {
  return apparmor !== '' && modules.apparmor ? apparmor : undefined;
}

/**
 * What a user should know about options that this kernel has no use for. Throws unimplemented for SELinux labels
 * where SELinux is enabled.
 */
export function securityWarnings(
  { apparmor, labels }: SecurityOptions,
  modules: SecurityModules,
): string[] {
  const wanted = labels.filter((label) => label !== 'disable');
  if (modules.selinux && wanted.length > 0) {
    throw new StackError(
      'unimplemented',
      `HostConfig.SecurityOpt: "label=${wanted.join()}" is not implemented by this engine`,
    );
  }
  return [
    ...(wanted.length > 0
      ? [`SELinux is not enabled on this host. Label ${wanted.join()} discarded.`]
      : []),
    ...(apparmor !== '' && apparmor !== 'unconfined' && !modules.apparmor
      ? [`AppArmor is not enabled on this host. Profile ${apparmor} discarded.`]
      : []),
  ];
}

function firstCharacter(file: string): string {
  try {
    return fs.readFileSync(file, 'latin1').slice(0, 1);
  } catch {
    return ''; // the kernel does not have it
  }
}

function invalid(form: number, option: string): StackError {
  return new StackError('invalid_argument', `invalid --security-opt ${form}: "${option}"`);
}
