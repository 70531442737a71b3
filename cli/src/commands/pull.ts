/** `engine pull` */
import type { EngineClient } from '../client/engine-client.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, missing, text } from '../command-line/flags.ts';
import { showProgress, type ProgressMessage } from '../format/pull-progress.ts';

/** Asks the daemon to pull `image` (`:latest` unless it has a tag or a digest) and shows how it goes on `output`. */
export async function pullImage(
  client: EngineClient,
  image: string,
  output: NodeJS.WriteStream,
  { quiet = false, platform }: { quiet?: boolean; platform?: string | undefined } = {},
): Promise<void> {
  const messages = client.jsonStream<ProgressMessage>('POST', '/images/create', {
    query: { fromImage: image, tag: hasTagOrDigest(image) ? undefined : 'latest', platform },
  });
  await showProgress(messages, output, { quiet });
}

function hasTagOrDigest(image: string): boolean {
  return image.includes('@') || image.slice(image.lastIndexOf('/') + 1).includes(':');
}

export const pull = defineCommand({
  name: 'pull',
  synopsis: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  arguments: { min: 1, max: 1 },
  flags: {
    quiet: boolean('Suppress verbose output', 'q'),
    platform: text('Set platform if server is multi-platform capable'),
    ...missing('all-tags', 'disable-content-trust'),
  },
  async run({ client }, { quiet, platform }, [image = '']) {
    await pullImage(client, image, process.stdout, { quiet, platform });
    process.stdout.write(`${image}\n`);
    return 0;
  },
});
