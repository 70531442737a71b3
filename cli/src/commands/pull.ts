/** `engine pull` */
import { StackError } from '#spec/errors';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from '#spec/reference';
import type { EngineClient } from '../client/engine-client.ts';
import { chosenPlatform } from '../client/platform.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { authHeaders } from '../credentials/registry-auth.ts';
import { showProgress, type ProgressMessage } from '../format/progress.ts';
import { refuseContentTrust } from './content-trust.ts';

export interface PullOptions {
  quiet?: boolean;
  platform?: string | undefined;
  /** Every tag of the repository. */
  allTags?: boolean;
}

/** The name as people write it, with the tag that is meant. */
export function fullName(image: string): string {
  return formatFamiliar(withDefaultTag(parseReference(image)));
}

/** Asks the daemon to pull `image` (`:latest` unless it has a tag or a digest) and shows how it goes on `output`. */
export async function pullImage(
  client: EngineClient,
  image: string,
  output: NodeJS.WriteStream,
  { quiet = false, platform, allTags = false }: PullOptions = {},
): Promise<void> {
  const reference = parseReference(image);
  const isNameOnly = reference.tag === undefined && reference.digest === undefined;
  const messages = client.jsonStream<ProgressMessage>('POST', '/images/create', {
    query: {
      fromImage: image,
      tag: isNameOnly && !allTags ? 'latest' : undefined,
      platform: chosenPlatform(platform),
    },
    headers: authHeaders(image),
  });
  await showProgress(messages, output, { quiet });
}

export const pull = defineCommand({
  synopsis: '[OPTIONS] NAME[:TAG|@DIGEST]',
  arguments: { min: 1, max: 1 },
  flags: {
    'all-tags': boolean('Download all tagged images in the repository', 'a'),
    'disable-content-trust': boolean('Skip image verification', undefined, true),
    platform: text('Set platform if server is multi-platform capable'),
    quiet: boolean('Suppress verbose output', 'q'),
  },
  async run({ client }, values, [image = '']) {
    refuseContentTrust(values['disable-content-trust']);
    const { 'all-tags': allTags, platform, quiet } = values;
    const named = parseReference(image);
    const isNameOnly = named.tag === undefined && named.digest === undefined;
    if (allTags && !isNameOnly) {
      throw new StackError('invalid_argument', "tag can't be used with --all-tags/-a");
    }
    if (isNameOnly && !allTags && !quiet) process.stdout.write('Using default tag: latest\n');
    await pullImage(client, image, process.stdout, { quiet, platform, allTags });
    const reference = allTags ? named : withDefaultTag(named);
    process.stdout.write(`${formatReference(reference)}\n`);
    return 0;
  },
});
