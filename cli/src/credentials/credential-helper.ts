/** Programs that keep credentials (`docker-credential-…`): a verb as the argument, JSON on stdin and stdout. */
import { spawnSync } from 'node:child_process';
import { StackError, errorCode } from '#spec/errors';

export interface HelperCredentials {
  ServerURL: string;
  Username: string;
  /** Password, or an identity token where the user is `<token>`. */
  Secret: string;
}

/** What helpers print when they have nothing for a server. */
const notFound = 'credentials not found in native keychain';

/** Undefined where the helper knows no credentials of `server`. */
export function getCredentials(helper: string, server: string): HelperCredentials | undefined {
  const { ok, output } = callHelper(helper, 'get', server);
  if (!ok) {
    if (output === notFound) return undefined;
    throw failed(helper, 'get', output);
  }
  // The helpers' protocol says what it is.
  return JSON.parse(output) as HelperCredentials;
}

export function storeCredentials(helper: string, credentials: HelperCredentials): void {
  const { ok, output } = callHelper(helper, 'store', JSON.stringify(credentials));
  if (!ok) throw failed(helper, 'store', output);
}

export function eraseCredentials(helper: string, server: string): void {
  const { ok, output } = callHelper(helper, 'erase', server);
  if (!ok && output !== notFound) throw failed(helper, 'erase', output);
}

function callHelper(helper: string, verb: string, input: string): { ok: boolean; output: string } {
  const program = `docker-credential-${helper}`;
  const { status, stdout, stderr, error } = spawnSync(program, [verb], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  if (error) {
    const reason =
      errorCode(error) === 'ENOENT' ? 'executable file not found in $PATH' : error.message;
    throw new StackError('invalid_argument', `error calling "${program}": ${reason}`, {
      cause: error,
    });
  }
  return { ok: status === 0, output: stdout.trim() || stderr.trim() };
}

function failed(helper: string, verb: string, output: string): StackError {
  return new StackError(
    'internal',
    `error calling "docker-credential-${helper} ${verb}": ${output || 'no reason given'}`,
  );
}
