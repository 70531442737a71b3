/** `spec`: writes a config.json to start from. */
import fs from 'node:fs';
import path from 'node:path';
import { detectCgroups } from '#lib/cgroup/layout';
import { errorCode, StackError } from '#spec/errors';
import { defaultSpec } from '#spec/oci/default-spec';
import type { Command } from '../command-line/command.ts';

export const spec: Command = {
  usage: 'spec [flags]',
  description: 'write a config.json to start from',
  flags: {
    bundle: {
      kind: 'string',
      alias: 'b',
      help: 'directory to write it to; default: the current one',
    },
    rootless: { kind: 'boolean', help: 'for a container of an ordinary user' },
  },
  minimumArguments: 0,
  maximumArguments: 0,
  run({ flags }) {
    const file = path.join(flags.text('bundle') ?? '.', 'config.json');
    const rootless = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const config = defaultSpec({
      cgroup2: detectCgroups().version === 'v2',
      ...(flags.has('rootless') && { rootless }),
    });
    try {
      fs.writeFileSync(file, `${JSON.stringify(config, undefined, '\t')}\n`, { flag: 'wx' });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      throw new StackError('already_exists', `file ${file} exists. Remove it first`);
    }
    return 0;
  },
};
