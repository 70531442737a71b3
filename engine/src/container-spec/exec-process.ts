/** An exec as the `process` that a runtime executes inside a container. */
import type { Process } from '#spec/oci/process';
import type { ContainerRecord } from '../daemon/container.ts';
import type { ExecConfig } from '../daemon/exec-store.ts';
import { containerCapabilities } from './capabilities.ts';
import { containerEnvironment, mergeEnvironment } from './environment.ts';
import { processRlimits } from './rlimits.ts';
import type { RootFiles } from './root-files.ts';
import { parseSecurityOptions } from './security-options.ts';
import { resolveUser } from './user.ts';

/** Compiles an exec; what it does not say is the container's. Throws invalid_argument for a user that is not there. */
export function execProcess(
  { config, hostConfig }: Pick<ContainerRecord, 'config' | 'hostConfig'>,
  exec: ExecConfig,
  files: RootFiles,
  linkVariables: readonly string[] = [],
): Process {
  const capabilities = containerCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged: hostConfig.Privileged || exec.privileged,
  });
  const user = resolveUser(exec.user || config.User, hostConfig.GroupAdd ?? [], files);
  const [height, width] = exec.consoleSize ?? [0, 0];
  return {
    terminal: exec.tty,
    ...(exec.tty && height > 0 && width > 0 && { consoleSize: { height, width } }),
    user,
    args: exec.command,
    env: mergeEnvironment(
      containerEnvironment({ Env: config.Env, Tty: exec.tty }, config.Hostname, linkVariables),
      exec.env,
    ),
    cwd: exec.workingDir || config.WorkingDir || '/',
    capabilities: {
      bounding: capabilities,
      ...(user.uid === 0 && { effective: capabilities, permitted: capabilities }),
    },
    rlimits: processRlimits(hostConfig.Ulimits),
    noNewPrivileges: parseSecurityOptions(hostConfig.SecurityOpt ?? []).noNewPrivileges,
    oomScoreAdj: hostConfig.OomScoreAdj,
  };
}
