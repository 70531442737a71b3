/** The body of `POST /containers/{id}/update`. */
import { reject } from '#spec/json-decoder';
import { isZero } from '../../api/go-json.ts';
import { decodeHostConfig, type HostConfig } from '../../api/host-config.ts';
import { updatableFields } from '../../daemon/update-container.ts';
import { StackError } from '#spec/errors';

/** What is to be changed; zero values mean: leave it. Throws invalid_argument, unimplemented naming the field. */
export function decodeUpdateBody(body: unknown): Partial<HostConfig> {
  if (typeof body !== 'object' || body === null) reject('request body', 'is required');
  const policy = Object.entries(body).find(
    ([key]) => key.toLowerCase() === 'restartpolicy',
  )?.[1] as { Name?: unknown } | null | undefined;
  // Clients send an empty policy for "as it is"; the decoder would read it as "no".
  const keepsPolicy = !policy || isZero(policy.Name);
  const decoded = decodeHostConfig(body, 'update');
  const changed = Object.entries(decoded).filter(
    ([name, value]) =>
      // No limit of processes is said by 0, no change by null.
      (!isZero(value) || (name === 'PidsLimit' && value !== null)) &&
      !(name === 'RestartPolicy' && keepsPolicy),
  );
  for (const [name] of changed) {
    if ((updatableFields as readonly string[]).includes(name)) continue;
    throw new StackError('unimplemented', `changing ${name} is not implemented by this engine`);
  }
  return Object.fromEntries(changed);
}
