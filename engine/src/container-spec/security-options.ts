/** `SecurityOpt` of a HostConfig: what a container may do besides capabilities. */
import { StackError } from '#spec/errors';

export interface SecurityOptions {
  noNewPrivileges: boolean;
  seccomp: 'default' | 'unconfined';
}

/** Reads docker's `key=value` (older: `key:value`) list. Throws invalid_argument, or unimplemented by name. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { noNewPrivileges: false, seccomp: 'default' };
  for (const option of options) {
    const [, key = '', value] = /^([^=:]+)(?:[=:](.*))?$/s.exec(option) ?? [];
    if (key === 'no-new-privileges') {
      if (value !== undefined && value !== 'true' && value !== 'false') throw invalid(option);
      result.noNewPrivileges = value !== 'false';
    } else if (key === 'seccomp' && value === 'unconfined') {
      result.seccomp = 'unconfined';
    } else if (key === 'seccomp' && value === 'builtin') {
      result.seccomp = 'default';
    } else if (key === 'seccomp' && value !== undefined) {
      throw new StackError(
        'unimplemented',
        'HostConfig.SecurityOpt: seccomp profiles of your own are not implemented by this engine',
      );
    } else if (
      // No security module of these kinds is used, so what switches them off already holds.
      !(key === 'apparmor' && value === 'unconfined') &&
      !(key === 'label' && value === 'disable')
    ) {
      if (key === 'apparmor' || key === 'label' || key === 'credentialspec') {
        throw new StackError(
          'unimplemented',
          `HostConfig.SecurityOpt: "${option}" is not implemented by this engine`,
        );
      }
      throw invalid(option);
    }
  }
  return result;
}

function invalid(option: string): StackError {
  return new StackError('invalid_argument', `invalid --security-opt 1: "${option}"`);
}
