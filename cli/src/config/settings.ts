/** What the user has set in `config.json`, for commands that only read it. */
import { isStackError } from '#spec/errors';
import { ConfigFile, type FormatName } from './config-file.ts';
import { configFolder } from './config-folder.ts';

let read: ConfigFile | undefined;

/** The file, read once. One that cannot be read counts as empty, with a warning. */
export function settings(): ConfigFile {
  if (read) return read;
  try {
    read = ConfigFile.read(configFolder());
  } catch (error) {
    if (!isStackError(error)) throw error;
    process.stderr.write(`WARNING: Error loading config file: ${error.message}\n`);
    read = ConfigFile.empty;
  }
  return read;
}

/** The template that `--format` gives, or the user's own for this list. */
export function chosenFormat(given: string | undefined, name: FormatName): string | undefined {
  return given === undefined || given === '' ? settings().format(name) : given;
}

/**
 * `-e`, and behind it the user's proxies in upper and lower case, unless `-e` says something else about them. Values are
 * `NAME=value` or `NAME`.
 */
export function withProxies(environment: readonly string[], host: string): string[] {
  const proxies = settings().proxiesOf(host);
  const known: Readonly<Record<string, string | undefined>> = {
    HTTP_PROXY: proxies.httpProxy,
    HTTPS_PROXY: proxies.httpsProxy,
    NO_PROXY: proxies.noProxy,
    FTP_PROXY: proxies.ftpProxy,
    ALL_PROXY: proxies.allProxy,
  };
  const given = new Set(environment.map((entry) => entry.split('=')[0] ?? ''));
  const added = Object.entries(known).flatMap(([name, value]) =>
    value === undefined || value === ''
      ? []
      : [name, name.toLowerCase()]
          .filter((each) => !given.has(each))
          .map((each) => `${each}=${value}`),
  );
  return [...environment, ...added];
}

/** `--filter` of a prune, and the user's own unless the opposite was given. */
export function withPruneFilters(given: readonly string[]): string[] {
  const opposite = (key: string): string =>
    key === 'label' ? 'label!' : key === 'label!' ? 'label' : '';
  const own = settings().pruneFilters.filter((filter) => {
    const [, key = '', value] = /^([^=]*)=(.*)$/s.exec(filter) ?? [];
    return value !== undefined && !given.includes(`${opposite(key)}=${value}`);
  });
  return [...given, ...own];
}
