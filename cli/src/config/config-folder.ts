/** Where the client's own files are. */
import os from 'node:os';
import path from 'node:path';

/** `~/.docker`, unless DOCKER_CONFIG says otherwise: credentials and certificates are shared with docker's command line. */
export function configFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env['DOCKER_CONFIG'] ?? path.join(os.homedir(), '.docker');
}
