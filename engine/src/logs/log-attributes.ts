/** What log options attach to the entries of a container: labels, variables and a tag. */
import os from 'node:os';
import { messageOf, StackError } from '#spec/errors';
import type { ContainerRecord } from '../daemon/container.ts';
import type { LogAttributes } from './log-format.ts';

type LogOptions = Readonly<Record<string, string>>;

/** The options read here, which most drivers have. */
export const attributeOptions = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'] as const;

/** Those that `options` choose, by name; `rename` makes names that a driver can take. Throws invalid_argument. */
export function logAttributes(
  options: LogOptions,
  { config }: Pick<ContainerRecord, 'config'>,
  rename = (name: string): string => name,
): Record<string, string> {
  const variables = Object.fromEntries(
    (config.Env ?? [])
      .map((entry) => /^([^=]+)=(.*)$/s.exec(entry) ?? [])
      .map(([, name = '', value = '']) => [name, value]),
  );
  return {
    ...chosen(config.Labels, options['labels'], options['labels-regex'], rename),
    ...chosen(variables, options['env'], options['env-regex'], rename),
  };
}

/** Throws invalid_argument for patterns and templates that cannot be read. */
export function checkAttributeOptions(options: LogOptions): void {
  for (const name of ['labels-regex', 'env-regex']) {
    if (options[name] !== undefined) pattern(options[name]);
  }
  expandTag(options['tag'] ?? '', (field) => (field in tagFields ? '' : undefined));
}

/** The `tag` option with what it names of the container filled in. Throws invalid_argument. */
export function logTag(template: string, record: ContainerRecord): string {
  return expandTag(template, (field) => tagFields[field]?.(record));
}

const shortLength = 12;

/** What a template may name. */
const tagFields: Readonly<Record<string, (record: ContainerRecord) => string>> = {
  ID: ({ id }) => id.slice(0, shortLength),
  FullID: ({ id }) => id,
  ContainerID: ({ id }) => id,
  Name: ({ name }) => name,
  ContainerName: ({ name }) => `/${name}`,
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, '').slice(0, shortLength),
  ImageFullID: ({ imageId }) => imageId,
  ContainerImageID: ({ imageId }) => imageId,
  ImageName: ({ config }) => config.Image,
  ContainerImageName: ({ config }) => config.Image,
  ContainerCreated: ({ createdAt }) => createdAt,
  Command: ({ config }) => [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(' '),
  Hostname: () => os.hostname(),
  DaemonName: () => 'docker',
};

function expandTag(template: string, valueOf: (field: string) => string | undefined): string {
  return template.replace(/\{\{(.*?)\}\}/g, (action, inside: string) => {
    const field = /^-?\s*\.(\w+)\s*-?$/.exec(inside)?.[1];
    if (field === undefined) {
      throw new StackError(
        'unimplemented',
        `log tag ${JSON.stringify(template)}: ${action} is not implemented by this engine: it takes fields like {{.Name}}`,
      );
    }
    const value = valueOf(field);
    if (value !== undefined) return value;
    throw new StackError(
      'invalid_argument',
      `template: log-tag:1: can't evaluate field ${field} in type *logger.Info`,
    );
  });
}

function chosen(
  from: LogAttributes,
  names: string | undefined,
  regex: string | undefined,
  rename: (name: string) => string,
): Record<string, string> {
  const wanted = new Set((names ?? '').split(','));
  const matching = regex === undefined || regex === '' ? undefined : pattern(regex);
  return Object.fromEntries(
    Object.entries(from)
      .filter(([name]) => wanted.has(name) || matching?.test(name) === true)
      .map(([name, value]) => [rename(name), value]),
  );
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new StackError('invalid_argument', `error parsing regexp: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
