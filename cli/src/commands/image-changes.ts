/** `engine commit` and `engine tag`: new images and new names. */
import { defaultTag, formatFamiliar, parseReference, repositoryOf } from '#spec/reference';
import { StackError } from '#spec/errors';
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';

export const commit = defineCommand({
  synopsis: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  arguments: { min: 1, max: 2 },
  flags: {
    author: text('Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")', 'a'),
    change: list('Apply Dockerfile instruction to the created image', 'c'),
    message: text('Commit message', 'm'),
    pause: boolean('Pause container during commit', 'p', true),
  },
  async run({ client }, { author, change, message, pause }, [container = '', reference = '']) {
    const { repo, tag } = reference === '' ? { repo: undefined, tag: undefined } : split(reference);
    const { Id: id } = await client.json<{ Id: string }>('POST', '/commit', {
      query: {
        ...{ container, repo, tag, author },
        comment: message,
        changes: change,
        pause: pause ? undefined : 0,
      },
      body: {},
    });
    process.stdout.write(`${id}\n`);
    return 0;
  },
});

export const tag = defineCommand({
  synopsis: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  arguments: { min: 2, max: 2 },
  flags: {},
  async run({ client }, _values, [source = '', target = '']) {
    await client.json('POST', `/images/${source}/tag`, { query: split(target) });
    return 0;
  },
});

/** Throws invalid_argument for a name with a digest: that is computed, never given. */
function split(name: string): { repo: string; tag: string } {
  const reference = parseReference(name);
  if (reference.digest !== undefined) {
    throw new StackError('invalid_argument', 'refusing to create a tag with a digest reference');
  }
  return { repo: formatFamiliar(repositoryOf(reference)), tag: reference.tag ?? defaultTag };
}
