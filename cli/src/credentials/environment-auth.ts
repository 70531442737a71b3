/** Credentials in DOCKER_AUTH_CONFIG: `{"auths": {"registry.example": {"auth": "<base64 of user:password>"}}}`. */

/** What the variable has for `server`. One that cannot be understood counts as empty, with a warning. */
export function environmentAuth(
  server: string,
  { DOCKER_AUTH_CONFIG: text = '' }: NodeJS.ProcessEnv = process.env,
): string | undefined {
  if (text === '') return undefined;
  try {
    const auths = parse(text);
    return auths.get(server);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`Failed to create credential store from DOCKER_AUTH_CONFIG:  ${reason}\n`);
    return undefined;
  }
}

/** As docker reads it: nothing but `auths`, and in each nothing but `auth`. */
function parse(text: string): Map<string, string> {
  const { auths = {} } = objectWith(JSON.parse(text), ['auths']);
  const found = new Map<string, string>();
  for (const [server, entry] of Object.entries(objectWith(auths))) {
    const { auth } = objectWith(entry, ['auth']);
    if (typeof auth !== 'string' || auth === '') {
      throw new Error(
        `DOCKER_AUTH_CONFIG environment variable is missing key \`auth\` for ${server}`,
      );
    }
    if (!/^[^:]+:/.test(Buffer.from(auth, 'base64').toString('utf8'))) {
      throw new Error('invalid auth configuration file');
    }
    found.set(server, auth);
  }
  return found;
}

function objectWith(value: unknown, known?: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('not a JSON object');
  }
  const unknown = Object.keys(value).find((key) => known && !known.includes(key));
  if (unknown !== undefined) throw new Error(`json: unknown field "${unknown}"`);
  return value as Record<string, unknown>;
}
