/** When a container is started again by itself: `HostConfig.RestartPolicy`. */
import { integer, optional, reject, string } from '#spec/json-decoder';
import { goObject } from './go-json.ts';

const restartPolicyNames = ['no', 'always', 'on-failure', 'unless-stopped'] as const;
export type RestartPolicyName = (typeof restartPolicyNames)[number];

export interface RestartPolicy {
  Name: RestartPolicyName;
  MaximumRetryCount: number;
}

/** An empty name means no. Throws invalid_argument. */
export function decodeRestartPolicy(value: unknown, path: string): RestartPolicy {
  const { Name = '', MaximumRetryCount = 0 } = goObject<{
    Name?: string;
    MaximumRetryCount?: number;
  }>({
    Name: optional(string),
    MaximumRetryCount: optional(integer(-0x8000_0000, 0x7fff_ffff)),
  })(value, path);
  if (Name !== '' && !isRestartPolicyName(Name)) {
    return reject(
      path,
      `unknown restart policy "${Name}": use one of ${restartPolicyNames.join(', ')}`,
    );
  }
  if (MaximumRetryCount < 0) reject(path, 'maximum retry count cannot be negative');
  if (MaximumRetryCount > 0 && Name !== 'on-failure') {
    reject(path, 'maximum retry count can only be used with "on-failure"');
  }
  return { Name: Name === '' ? 'no' : Name, MaximumRetryCount };
}

function isRestartPolicyName(name: string): name is RestartPolicyName {
  return (restartPolicyNames as readonly string[]).includes(name);
}
