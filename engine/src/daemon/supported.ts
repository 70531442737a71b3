/** What a container may ask for and this engine cannot do yet: refused by name. */
import type { ContainerConfig } from '../api/container-config.ts';
import type { HostConfig } from '../api/host-config.ts';
import { StackError } from '#spec/errors';
import { checkNamespaceModes } from '../container-spec/namespace-modes.ts';
import { parseSignal } from '#spec/signals';
import { checkExtraHosts } from './etc-files.ts';
import { checkHealthcheck } from './health-check.ts';

/** Throws for what was asked for and cannot be had. */
export function checkSupported(
  config: ContainerConfig,
  hostConfig: HostConfig,
  { remapped }: { remapped: boolean },
): void {
  checkConfig(config);
  checkHostConfig(hostConfig);
  if (remapped && hostConfig.UsernsMode !== 'host') checkRemapped(hostConfig);
}

function checkConfig(config: ContainerConfig): void {
  checkHealthcheck(config.Healthcheck);
  if (config.NetworkDisabled) refuse('Config.NetworkDisabled');
  if (config.StopSignal !== undefined) parseSignal(config.StopSignal);
  if (!/^[a-zA-Z0-9]([a-zA-Z0-9_.-]{0,62})$/.test(config.Hostname)) {
    throw new StackError('invalid_argument', `invalid hostname format: ${config.Hostname}`);
  }
  const wrong = (config.Env ?? []).find((entry) => entry === '' || entry.startsWith('='));
  if (wrong !== undefined) {
    throw new StackError('invalid_argument', `invalid environment variable: ${wrong}`);
  }
  if (config.WorkingDir !== '' && !config.WorkingDir.startsWith('/')) {
    throw new StackError(
      'invalid_argument',
      `the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`,
    );
  }
}

function checkHostConfig(hostConfig: HostConfig): void {
  const { AutoRemove: autoRemove } = hostConfig;
  checkNamespaceModes(hostConfig);
  checkStorageOptions(hostConfig);
  if (autoRemove && hostConfig.RestartPolicy.Name !== 'no') {
    throw new StackError(
      'invalid_argument',
      "can't create 'AutoRemove' container with restart policy",
    );
  }
  checkExtraHosts(hostConfig.ExtraHosts ?? []);
  if (hostConfig.ShmSize < 0) {
    throw new StackError('invalid_argument', 'SHM size can not be less than 0');
  }
}

/** What cannot be had in a user namespace of another kind than the host's. */
function checkRemapped({ Privileged: privileged, NetworkMode, PidMode }: HostConfig): void {
  const conflict = privileged
    ? 'privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode'
    : NetworkMode === 'host'
      ? "cannot share the host's network namespace when user namespaces are enabled"
      : PidMode === 'host'
        ? 'cannot share the host PID namespace when user namespaces are enabled'
        : undefined;
  if (conflict !== undefined) throw new StackError('invalid_argument', conflict);
}

/** No file system that layers lie on counts what a container writes. */
function checkStorageOptions({ StorageOpt: options = {} }: HostConfig): void {
  const [name] = Object.keys(options);
  if (name === undefined) return;
  throw new StackError(
    'invalid_argument',
    name === 'size'
      ? "--storage-opt is supported only for overlay over xfs with 'pquota' mount option, which this engine does not use: HostConfig.StorageOpt size"
      : `HostConfig.StorageOpt: unknown option ${name}`,
  );
}

function refuse(field: string): never {
  throw new StackError('unimplemented', `${field} is not implemented by this engine`);
}
