/** What TLS connections are made with: `--tls…`, DOCKER_TLS, DOCKER_TLS_VERIFY, and files below DOCKER_CERT_PATH. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError, messageOf } from '#spec/errors';

export interface TlsOptions {
  /** Whether the daemon must show a certificate of {@link ca}'s. */
  readonly verify: boolean;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

export interface TlsFlags {
  tls: boolean;
  tlsverify: boolean;
  tlscacert?: string | undefined;
  tlscert?: string | undefined;
  tlskey?: string | undefined;
}

/**
 * Undefined where nobody asked for TLS. A certificate that is named must be there; one at its usual place in `folder`
 * is used if it is there. Throws invalid_argument for a file that cannot be read.
 */
export function chooseTls(
  flags: TlsFlags,
  env: NodeJS.ProcessEnv,
  folder: string,
): TlsOptions | undefined {
  const verify = flags.tlsverify || isSet(env['DOCKER_TLS_VERIFY']);
  if (!verify && !flags.tls && !isSet(env['DOCKER_TLS'])) return undefined;
  const read = (named: string | undefined, usual: string, needed: boolean): Buffer | undefined => {
    const file = named ?? path.join(folder, usual);
    if (named === undefined && !needed && !fs.existsSync(file)) return undefined;
    try {
      return fs.readFileSync(file);
    } catch (error) {
      throw new StackError('invalid_argument', `cannot read "${file}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  };
  return {
    verify,
    ca: verify ? read(flags.tlscacert, 'ca.pem', true) : undefined,
    cert: read(flags.tlscert, 'cert.pem', false),
    key: read(flags.tlskey, 'key.pem', false),
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
