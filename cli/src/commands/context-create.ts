/** `engine context create` and `update`. */
import { StackError } from '#spec/errors';
import { defineCommand } from '../command-line/command.ts';
import { list, text } from '../command-line/flags.ts';
import { readEndpointOptions } from '../contexts/endpoint-options.ts';
import { checkContextName, defaultContext, defaultDescription } from '../contexts/context.ts';
import type { Contexts } from '../contexts/current-context.ts';

const endpointFlag = list('set the docker endpoint', undefined, 'stringToString', '[]');

export const contextCreate = defineCommand({
  synopsis: '[OPTIONS] CONTEXT',
  description: describe('Create a context', 'create'),
  arguments: { min: 1, max: 1 },
  flags: {
    description: text('Description of the context'),
    docker: endpointFlag,
    from: text('create context from a named context'),
  },
  async run({ contexts }, { description = '', docker, from = '' }, [name = '']) {
    const endpoint = docker.length > 0 ? docker : undefined;
    checkNewName(contexts, name);
    if (endpoint && from === '') {
      const { metadata, tls } = readEndpointOptions(contexts, endpoint);
      const Metadata = description === '' ? {} : { Description: description };
      contexts.store.write({ Name: name, Metadata, Endpoints: { docker: metadata } }, tls ?? {});
    } else {
      if (endpoint) {
        throw new StackError('invalid_argument', 'cannot use --docker flag when --from is set');
      }
      copy(contexts, from === '' ? contexts.current : from, name, description);
    }
    process.stdout.write(`${name}\n`);
    process.stderr.write(`Successfully created context "${name}"\n`);
    return Promise.resolve(0);
  },
});

export const contextUpdate = defineCommand({
  synopsis: '[OPTIONS] CONTEXT',
  description: describe('Update a context', 'update'),
  arguments: { min: 1, max: 1 },
  flags: { description: text('Description of the context'), docker: endpointFlag },
  async run({ contexts }, { description = '', docker }, [name = '']) {
    checkContextName(name);
    const context = contexts.get(name);
    if (description !== '') context.Metadata = { ...context.Metadata, Description: description };
    const changed = docker.length > 0 ? readEndpointOptions(contexts, docker) : undefined;
    if (changed) context.Endpoints = { ...context.Endpoints, docker: changed.metadata };
    contexts.store.write(
      context,
      changed && { ...contexts.tlsFiles(name), docker: changed.tls?.['docker'] ?? {} },
    );
    process.stdout.write(`${name}\n`);
    process.stderr.write(`Successfully updated context "${name}"\n`);
    return Promise.resolve(0);
  },
});

/** Throws invalid_argument for a name that cannot be given, already_exists for one that is taken. */
export function checkNewName({ store }: Contexts, name: string): void {
  checkContextName(name);
  if (!store.has(name)) return;
  throw new StackError('already_exists', `context "${name}" already exists`);
}

/** Also of the context that has no file: so it gets a name. */
function copy(contexts: Contexts, from: string, name: string, description: string): void {
  const source = contexts.get(from);
  const own = from === defaultContext ? { Description: defaultDescription } : source.Metadata;
  const Metadata = { ...own, ...(description !== '' && { Description: description }) };
  contexts.store.write({ ...source, Name: name, Metadata }, contexts.tlsFiles(from));
}

function describe(title: string, verb: string): string {
  const keys = [
    ['NAME', 'DESCRIPTION'],
    ['from', "Copy named context's Docker endpoint configuration"],
    ['host', 'Docker endpoint on which to connect'],
    ['ca', 'Trust certs signed only by this CA'],
    ['cert', 'Path to TLS certificate file'],
    ['key', 'Path to TLS key file'],
    ['skip-tls-verify', 'Skip TLS certificate validation'],
  ] as const;
  return [
    title,
    'Docker endpoint config:',
    keys.map(([name, words]) => name.padEnd(20) + words).join('\n'),
    'Example:',
    `$ engine context ${verb} my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"`,
  ].join('\n\n');
}
