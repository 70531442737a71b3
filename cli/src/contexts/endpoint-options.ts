/** `--docker host=…,ca=…` of `context create` and `update`. */
import fs from 'node:fs';
import { StackError, messageOf } from '#spec/errors';
import { UsageError, commaSeparated, isUsageError, splitOnce } from '../command-line/parse.ts';
import { osErrorText } from '../terminal/os-error.ts';
import { dockerEndpointOf, type DockerEndpoint, type TlsFiles } from './context.ts';
import { endpointOf, type Contexts } from './current-context.ts';

const known = ['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'] as const;
type Key = (typeof known)[number];

/** Throws {@link UsageError} for what is no list of keys and values, invalid_argument for values that cannot be used. */
export function readEndpointOptions(
  contexts: Contexts,
  given: readonly string[],
): { metadata: DockerEndpoint; tls: TlsFiles | undefined } {
  const options = parse(given);
  try {
    return read(contexts, options);
  } catch (error) {
    throw new StackError(
      'invalid_argument',
      `unable to create docker endpoint config: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function parse(given: readonly string[]): Map<string, string> {
  const pairs = commaSeparated(given).map((pair): [string, string] => {
    const [key, value] = splitOnce(pair, '=');
    if (value !== undefined) return [key, value];
    throw new UsageError(
      `invalid argument "${given.join(',')}" for "--docker" flag: ${pair} must be formatted as key=value`,
    );
  });
  return new Map(pairs);
}

function read(contexts: Contexts, options: Map<string, string>) {
  const unknown = [...options.keys()].filter((key) => !known.some((name) => name === key));
  if (unknown.length > 0) {
    throw new Error(unknown.map((key) => `unrecognized config key: ${key}`).join('\n'));
  }
  const get = (key: Key): string => options.get(key) ?? '';
  if (options.has('from')) {
    // The endpoint alone, as docker does: certificates stay where they are.
    return { metadata: dockerEndpointOf(contexts.get(get('from'))), tls: undefined };
  }
  const files = { 'ca.pem': get('ca'), 'cert.pem': get('cert'), 'key.pem': get('key') };
  const contents = Object.entries(files)
    .filter(([, file]) => file !== '')
    .map(([name, file]) => [name, readFile(file)] as const);
  const tls = contents.length > 0 ? { docker: Object.fromEntries(contents) } : undefined;
  const host = get('host');
  const metadata: DockerEndpoint = {
    ...(host !== '' && { Host: host }),
    SkipTLSVerify: parseBoolean(options.get('skip-tls-verify')),
  };
  checkHost(metadata, tls);
  return { metadata, tls };
}

function readFile(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw new Error(osErrorText('open', file, error), { cause: error });
  }
}

function checkHost(metadata: DockerEndpoint, tls: TlsFiles | undefined): void {
  const { Host: host = '' } = metadata;
  try {
    // docker takes an address without a scheme for none; parseEndpoint takes it for TCP.
    if (host !== '' && !host.includes('://')) throw new UsageError('');
    endpointOf(metadata, tls ?? {});
  } catch (error) {
    if (!isUsageError(error)) throw error;
    const isSsh = host.startsWith('ssh://');
    const reason = isSsh ? error.message : `unable to parse docker host \`${host}\``;
    const step = isSsh
      ? 'invalid docker endpoint options'
      : 'unable to apply docker endpoint options';
    throw new Error(`${step}: ${reason}`, { cause: error });
  }
}

/** Go's strconv.ParseBool. */
function parseBoolean(value: string | undefined): boolean {
  if (value === undefined) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new Error(`skip-tls-verify: parsing "${value}": invalid syntax`);
}
