/** `engine save`, `load`, `export` and `import`: images and file systems as tar archives. */
import fs from 'node:fs';
import type { Readable } from 'node:stream';
import { StackError } from '#spec/errors';
import { chosenPlatform, platformQuery } from '../client/platform.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { showProgress, type ProgressMessage } from '../format/progress.ts';
import { osErrorText } from '../terminal/os-error.ts';
import { checkOutput, writeOutput } from '../terminal/output-file.ts';

export const save = defineCommand({
  synopsis: '[OPTIONS] IMAGE [IMAGE...]',
  arguments: { min: 1 },
  flags: {
    output: text('Write to a file, instead of STDOUT', 'o'),
    platform: text(
      'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
  },
  async run({ client }, { output, platform }, names) {
    checkOutput(output, 'save image');
    const archive = await client.stream('GET', '/images/get', {
      query: { names, platform: platform === undefined ? undefined : platformQuery(platform) },
    });
    await writeOutput(archive, output);
    return 0;
  },
});

export const load = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    input: text('Read from tar archive file, instead of STDIN', 'i'),
    platform: text(
      'Load only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: boolean('Suppress the load output', 'q'),
  },
  async run({ client }, { input = '', platform, quiet }) {
    if (input === '' && process.stdin.isTTY) {
      throw new StackError('invalid_argument', 'requested load from stdin, but stdin is empty');
    }
    const upload = input === '' ? process.stdin : await openFile(input);
    const messages = client.jsonStream<ProgressMessage>('POST', '/images/load', {
      query: {
        quiet: quiet || !process.stdout.isTTY ? 1 : 0,
        platform: platform === undefined ? undefined : platformQuery(platform),
      },
      upload,
    });
    await showProgress(messages, process.stdout);
    return 0;
  },
});

export const exportContainer = defineCommand({
  synopsis: '[OPTIONS] CONTAINER',
  arguments: { min: 1, max: 1 },
  flags: { output: text('Write to a file, instead of STDOUT', 'o') },
  async run({ client }, { output }, [name = '']) {
    checkOutput(output, 'export container');
    await writeOutput(await client.stream('GET', `/containers/${name}/export`), output);
    return 0;
  },
});

export const importImage = defineCommand({
  synopsis: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  arguments: { min: 1, max: 2 },
  flags: {
    change: list('Apply Dockerfile instruction to the created image', 'c'),
    message: text('Set commit message for imported image', 'm'),
    platform: text('Set platform if server is multi-platform capable'),
  },
  async run({ client }, { change, message, platform }, [source = '', reference = '']) {
    const isUrl = /^https?:\/\//.test(source);
    const upload = isUrl ? undefined : source === '-' ? process.stdin : await openFile(source);
    const messages = client.jsonStream<ProgressMessage>('POST', '/images/create', {
      query: {
        fromSrc: isUrl ? source : '-',
        repo: reference,
        message,
        changes: change,
        platform: chosenPlatform(platform),
      },
      ...(upload && { upload }),
    });
    await showProgress(messages, process.stdout);
    return 0;
  },
});

/** An open file: one that cannot be read is refused before the daemon hears of it. */
async function openFile(file: string): Promise<Readable> {
  try {
    return (await fs.promises.open(file)).createReadStream();
  } catch (error) {
    throw new StackError('invalid_argument', osErrorText('open', file, error), { cause: error });
  }
}
