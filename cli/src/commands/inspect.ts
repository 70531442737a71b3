/** `engine inspect`: containers first, then images, networks and volumes. */
import { StackError, isStackError } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { UsageError } from '../command-line/parse.ts';
import { compileTemplate } from '../format/go-template.ts';

const kinds = ['container', 'image', 'network', 'volume'] as const;
type Kind = (typeof kinds)[number];

const pathOf: Readonly<Record<Kind, (name: string) => string>> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
};

export const inspect = defineCommand({
  name: 'inspect',
  synopsis: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on containers, images, networks and volumes',
  arguments: { min: 1 },
  flags: {
    format: text("Format output: 'json' or a Go template", 'f'),
    size: boolean('Display total file sizes if the type is container', 's'),
    type: text('Only inspect objects of the given type'),
  },
  async run({ client }, { format, size, type }, names) {
    const wanted = kinds.filter((kind) => type === undefined || kind === type);
    if (wanted.length === 0)
      throw new UsageError(`"${type ?? ''}" is not a valid value for --type`);
    return printInspected(names, format, (name) => findObject(client, name, wanted, size));
  },
});

/** Prints what `find` gets for each name, as `format` wants it; what is not found is said, and the exit code is 1. */
export async function printInspected(
  names: readonly string[],
  format: string | undefined,
  find: (name: string) => Promise<unknown>,
): Promise<number> {
  const template = format === undefined || format === 'json' ? undefined : compileTemplate(format);
  const found: unknown[] = [];
  let status = 0;
  for (const name of names) {
    try {
      found.push(await find(name));
    } catch (error) {
      if (!isStackError(error)) throw error;
      process.stderr.write(`${error.message}\n`);
      status = 1;
    }
  }
  if (template) process.stdout.write(found.map((object) => `${template(object)}\n`).join(''));
  else if (format === 'json') process.stdout.write(`${JSON.stringify(found)}\n`);
  else process.stdout.write(`${JSON.stringify(found, null, 4)}\n`);
  return status;
}

async function findObject(
  client: EngineClient,
  name: string,
  wanted: readonly Kind[],
  size: boolean,
): Promise<unknown> {
  for (const kind of wanted) {
    try {
      const query = kind === 'container' && size ? { size: 1 } : {};
      return await client.json('GET', pathOf[kind](name), { query });
    } catch (error) {
      // A kind of object that this daemon does not have cannot have this one.
      if (!isStackError(error, 'not_found') && !isStackError(error, 'unimplemented')) throw error;
    }
  }
  throw new StackError('not_found', `Error: No such object: ${name}`);
}
