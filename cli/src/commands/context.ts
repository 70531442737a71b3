/** `engine context ls`, `show`, `use`, `inspect` and `rm`. */
import { StackError, isStackError, messageOf } from '#spec/errors';
import { hostFromEnvironment } from '../client/endpoint.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, format } from '../command-line/flags.ts';
import { ConfigFile } from '../config/config-file.ts';
import { configFolder } from '../config/config-folder.ts';
import {
  checkContextName,
  defaultContext,
  defaultDescription,
  dockerEndpointOf,
  type ContextMetadata,
} from '../contexts/context.ts';
import type { Contexts } from '../contexts/current-context.ts';
import { goJson, printRows } from '../format/listing.ts';
import { naturalOrder } from '../format/natural-order.ts';
import { ellipsis } from '../format/truncate.ts';
import { printInspected } from './inspect.ts';

/** Longest error in the table. */
const errorLength = 45;

export const contextList = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: { format: format(), quiet: boolean('Only show context names', 'q') },
  async run({ contexts }, { format: given, quiet }) {
    const rows = contexts.list().map((context) => rowOf(context, contexts.current));
    if (!rows.some(({ Current }) => Current)) rows.push(missingRow(contexts));
    rows.sort((a, b) => naturalOrder(a.Name, b.Name));
    const marked =
      'table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}';
    printRows(rows, {
      format: given === undefined || given === '' || given === 'table' ? marked : given,
      quiet: quiet ? 'Name' : undefined,
      columns: [
        ['NAME', 'Name'],
        ['DESCRIPTION', 'Description'],
        ['DOCKER ENDPOINT', 'DockerEndpoint'],
        ['ERROR', 'Error'],
      ],
      headings: { Current: '' },
    });
    const variable = hostFromEnvironment(process.env);
    if (variable !== undefined) {
      process.stderr.write(
        `Warning: ${variable} environment variable overrides the active context. To use a context, either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
    return Promise.resolve(0);
  },
});

export const contextShow = defineCommand({
  synopsis: '',
  arguments: { min: 0, max: 0 },
  flags: {},
  async run({ contexts }) {
    process.stdout.write(`${contexts.current}\n`);
    return Promise.resolve(0);
  },
});

export const contextUse = defineCommand({
  synopsis: 'CONTEXT',
  arguments: { min: 0 },
  flags: {},
  async run({ contexts }, _values, names) {
    const [name = ''] = names;
    if (names.length !== 1) {
      throw new StackError('invalid_argument', `accepts 1 arg(s), received ${names.length}`);
    }
    if (name !== defaultContext) {
      checkContextName(name);
      contexts.get(name);
    }
    ConfigFile.read(configFolder()).setCurrentContext(name === defaultContext ? '' : name);
    process.stdout.write(`${name}\n`);
    process.stderr.write(`Current context is now "${name}"\n`);
    const variable = hostFromEnvironment(process.env);
    if (name !== defaultContext && variable !== undefined) {
      process.stderr.write(
        `Warning: ${variable} environment variable overrides the active context. To use "${name}", either set the global --context flag, or unset ${variable} environment variable.\n`,
      );
    }
    return Promise.resolve(0);
  },
});

export const contextInspect = defineCommand({
  synopsis: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  arguments: { min: 0 },
  flags: { format: format('f', false) },
  async run({ contexts }, { format: given }, names) {
    return printInspected(
      names.length > 0 ? names : [contexts.current],
      given,
      (name) => {
        const files = Object.entries(contexts.tlsFiles(name));
        return Promise.resolve({
          ...contexts.get(name),
          TLSMaterial: Object.fromEntries(
            files.map(([endpoint, contents]) => [endpoint, Object.keys(contents)]),
          ),
          Storage: contexts.storage(name),
        });
      },
      (objects) => goJson(objects, 4),
    );
  },
});

export const contextRemove = defineCommand({
  synopsis: 'CONTEXT [CONTEXT...]',
  arguments: { min: 1 },
  flags: { force: boolean('Force the removal of a context in use', 'f') },
  async run({ contexts }, { force }, names) {
    const failures: string[] = [];
    for (const name of names) {
      try {
        remove(contexts, name, force);
        process.stdout.write(`${name}\n`);
      } catch (error) {
        if (!isStackError(error)) throw error;
        failures.push(error.message);
      }
    }
    process.stderr.write(failures.map((message) => `${message}\n`).join(''));
    return Promise.resolve(failures.length > 0 ? 1 : 0);
  },
});

function remove({ current, store }: Contexts, name: string, force: boolean): void {
  if (name === defaultContext) {
    throw new StackError('invalid_argument', 'context "default" cannot be removed');
  }
  if (name === current) {
    if (!force) {
      throw new StackError('conflict', `context "${name}" is in use, set -f flag to force remove`);
    }
    ConfigFile.read(configFolder()).setCurrentContext('');
  }
  if (!force && !store.has(name)) {
    throw new StackError('not_found', `context "${name}" does not exist`);
  }
  store.remove(name);
}

function rowOf(context: ContextMetadata, current: string) {
  const { Name, Metadata } = context;
  let DockerEndpoint = '';
  let Error = '';
  try {
    DockerEndpoint = dockerEndpointOf(context).Host ?? '';
  } catch (error) {
    Error = messageOf(error);
  }
  const Description = Name === defaultContext ? defaultDescription : (Metadata.Description ?? '');
  return {
    ...{ Name, Description, DockerEndpoint },
    Current: Name === current,
    Error: ellipsis(Error, errorLength),
  };
}

/** The context that is chosen and does not exist. */
function missingRow({ current, store }: Contexts): ReturnType<typeof rowOf> {
  let reason = '';
  try {
    store.get(current);
  } catch (error) {
    reason = messageOf(error);
  }
  return {
    ...{ Name: current, Description: '', DockerEndpoint: '', Current: true },
    Error: ellipsis(reason, errorLength),
  };
}
