/** `docker commit --change`, `docker import --change`: Dockerfile instructions that alter what an image runs. */
import { StackError } from '#spec/errors';
import type { ImageExecutionConfig } from '#spec/oci/image';

/** The configuration after the instructions. Throws invalid_argument naming the one that cannot be. */
export function applyChanges(
  config: ImageExecutionConfig,
  changes: readonly string[],
): ImageExecutionConfig {
  return changes.reduce(applyChange, config);
}

function applyChange(config: ImageExecutionConfig, change: string): ImageExecutionConfig {
  const [, word = '', rest = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(change) ?? [];
  switch (word.toUpperCase()) {
    case 'CMD':
      return { ...config, Cmd: commandOf(rest, config) };
    case 'ENTRYPOINT':
      return { ...config, Entrypoint: commandOf(rest, config) };
    case 'ENV':
      return { ...config, Env: withEnvironment(config.Env ?? [], pairsOf(rest, change)) };
    case 'LABEL':
      return {
        ...config,
        Labels: { ...config.Labels, ...Object.fromEntries(pairsOf(rest, change)) },
      };
    case 'EXPOSE':
      return {
        ...config,
        ExposedPorts: { ...config.ExposedPorts, ...setOf(wordsOf(rest).map(withProtocol)) },
      };
    case 'VOLUME':
      return { ...config, Volumes: { ...config.Volumes, ...setOf(listOf(rest) ?? wordsOf(rest)) } };
    case 'USER':
      return { ...config, User: rest };
    case 'WORKDIR':
      return { ...config, WorkingDir: rest };
    case 'STOPSIGNAL':
      return { ...config, StopSignal: rest };
    default:
      throw new StackError('invalid_argument', `${word || change} is not a valid change command`);
  }
}

/** The form of a JSON list, or a line for the shell. */
function commandOf(text: string, { Shell: shell }: ImageExecutionConfig): string[] {
  return listOf(text) ?? [...(shell ?? ['/bin/sh', '-c']), text];
}

function listOf(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
  } catch {
    // a line that begins with a bracket
  }
  return undefined;
}

/** `A=1 B="2 3"`, or the old form `A 1 2`. */
function pairsOf(text: string, change: string): [string, string][] {
  if (!/^[^\s=]+=/.test(text)) {
    const [, name = '', value = ''] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
    if (name === '')
      throw new StackError('invalid_argument', `"${change}" must have two arguments`);
    return [[name, value]];
  }
  return wordsOf(text).map((word) => {
    const separator = word.indexOf('=');
    if (separator < 1) {
      throw new StackError(
        'invalid_argument',
        `syntax error - can't find = in "${word}" of "${change}"`,
      );
    }
    return [word.slice(0, separator), word.slice(separator + 1)];
  });
}

/** Words separated by blanks, quotes and backslashes taken as a shell does. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return words.map((word) =>
    word.replace(
      /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
      (_, double?: string, single?: string, escaped?: string) =>
        double?.replace(/\\(.)/gs, '$1') ?? single ?? escaped ?? '',
    ),
  );
}

function withEnvironment(env: readonly string[], pairs: readonly [string, string][]): string[] {
  const names = new Set(pairs.map(([name]) => name));
  return [
    ...env.filter((entry) => !names.has(entry.split('=', 1)[0] ?? '')),
    ...pairs.map(([name, value]) => `${name}=${value}`),
  ];
}

function withProtocol(port: string): string {
  return port.includes('/') ? port : `${port}/tcp`;
}

function setOf(keys: readonly string[]): Record<string, object> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}
