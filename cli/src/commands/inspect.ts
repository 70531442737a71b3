/** `engine inspect` (containers first, then images, networks and volumes), `container inspect`, `image inspect`. */
import { StackError, isStackError } from '#spec/errors';
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { platformQuery } from '../client/platform.ts';
import { boolean, format, text } from '../command-line/flags.ts';
import { compileTemplate, type Template } from '../format/go-template.ts';

const kinds = ['container', 'image', 'network', 'volume'] as const;
type Kind = (typeof kinds)[number];

const pathOf: Readonly<Record<Kind, (name: string) => string>> = {
  container: (name) => `/containers/${name}/json`,
  image: (name) => `/images/${name}/json`,
  network: (name) => `/networks/${name}`,
  volume: (name) => `/volumes/${name}`,
};

export const inspect = defineCommand({
  synopsis: '[OPTIONS] NAME|ID [NAME|ID...]',
  arguments: { min: 1 },
  flags: {
    format: format('f', false),
    size: boolean('Display total file sizes if the type is container', 's'),
    type: text('Only inspect objects of the given type'),
  },
  async run({ client }, { format, size, type }, names) {
    const wanted = kinds.filter((kind) => type === undefined || kind === type);
    if (wanted.length === 0) {
      throw new StackError(
        'invalid_argument',
        `unknown type: "${type ?? ''}": must be one of ${kinds.map((kind) => `"${kind}"`).join(', ')}`,
      );
    }
    return printInspected(names, format, (name) => findObject(client, name, wanted, size));
  },
});

export const containerInspect = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [CONTAINER...]',
  arguments: { min: 1 },
  flags: { format: format('f', false), size: boolean('Display total file sizes', 's') },
  async run({ client }, { format, size }, names) {
    const query = size ? { size: 1 } : {};
    return printInspected(names, format, (name) =>
      client.json('GET', pathOf.container(name), { query }),
    );
  },
});

export const imageInspect = defineCommand({
  synopsis: '[OPTIONS] IMAGE [IMAGE...]',
  arguments: { min: 1 },
  flags: {
    format: format('f', false),
    platform: text(
      `Inspect a specific platform of the multi-platform image.
If the image or the server is not multi-platform capable, the command will error out if the platform does not match.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    ),
  },
  async run({ client }, { format, platform }, names) {
    const query = platform === undefined ? {} : { platform: platformQuery(platform) };
    return printInspected(names, format, (name) =>
      client.json('GET', pathOf.image(name), { query }),
    );
  },
});

/** docker's exit code of `inspect` for a template that cannot be parsed. */
const templateStatus = 64;

/** Prints what `find` gets for each name, as `format` wants it; what is not found is said, and the exit code is 1. */
export async function printInspected(
  names: readonly string[],
  format: string | undefined,
  find: (name: string) => Promise<unknown>,
  print = (objects: unknown): string => JSON.stringify(objects, null, 4),
): Promise<number> {
  let template: Template | undefined;
  try {
    if (format !== undefined && format !== 'json') template = compileTemplate(format);
  } catch (error) {
    if (!isStackError(error)) throw error;
    process.stderr.write(`${error.message}\n`);
    return templateStatus;
  }
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
  else process.stdout.write(`${print(found)}\n`);
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
