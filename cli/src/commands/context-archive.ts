/** `engine context export` and `import`. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import { defineCommand } from '../command-line/command.ts';
import { packContext, unpackContext } from '../contexts/context-archive.ts';
import { checkContextName, defaultContext } from '../contexts/context.ts';
import { osErrorText } from '../terminal/os-error.ts';
import { checkNewName } from './context-create.ts';

export const contextExport = defineCommand({
  synopsis: '[OPTIONS] CONTEXT [FILE|-]',
  arguments: { min: 1, max: 2 },
  flags: {},
  async run({ contexts }, _values, [name = '', file = `${name}.dockercontext`]) {
    if (name !== defaultContext) checkContextName(name);
    if (file === '-' && process.stdout.isTTY) {
      throw new StackError(
        'invalid_argument',
        'cowardly refusing to export to a terminal, specify a file path',
      );
    }
    const archive = packContext({ metadata: contexts.get(name), tls: contexts.tlsFiles(name) });
    if (file === '-') {
      process.stdout.write(archive);
      return Promise.resolve(0);
    }
    try {
      fs.writeFileSync(file, archive, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      throw new StackError('invalid_argument', osErrorText('open', file, error), { cause: error });
    }
    process.stderr.write(`Written file "${file}"\n`);
    return Promise.resolve(0);
  },
});

export const contextImport = defineCommand({
  synopsis: 'CONTEXT FILE|-',
  arguments: { min: 2, max: 2 },
  flags: {},
  async run({ contexts }, _values, [name = '', file = '']) {
    checkNewName(contexts, name);
    let archive: Buffer;
    try {
      archive = fs.readFileSync(file === '-' ? 0 : file);
    } catch (error) {
      throw new StackError('invalid_argument', osErrorText('open', file, error), { cause: error });
    }
    const { metadata, tls } = unpackContext(archive, name);
    contexts.store.write(metadata, tls);
    process.stdout.write(`${name}\n`);
    process.stderr.write(`Successfully imported context "${name}"\n`);
    return Promise.resolve(0);
  },
});
