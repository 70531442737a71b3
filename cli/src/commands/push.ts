/** `engine push` */
import { StackError } from '#spec/errors';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  repositoryOf,
  withDefaultTag,
} from '#spec/reference';
import { platformQuery } from '../client/platform.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, text } from '../command-line/flags.ts';
import { authHeaders } from '../credentials/registry-auth.ts';
import { showProgress, type ProgressMessage } from '../format/progress.ts';
import { refuseContentTrust } from './content-trust.ts';

export const push = defineCommand({
  synopsis: '[OPTIONS] NAME[:TAG]',
  arguments: { min: 1, max: 1 },
  flags: {
    'all-tags': boolean('Push all tags of an image to the repository', 'a'),
    'disable-content-trust': boolean('Skip image signing', undefined, true),
    platform: text(
      `Push a platform-specific manifest as a single-platform image to the registry.
Image index won't be pushed, meaning that other manifests, including attestations won't be preserved.
'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)`,
    ),
    quiet: boolean('Suppress verbose output', 'q'),
  },
  async run({ client }, values, [name = '']) {
    refuseContentTrust(values['disable-content-trust']);
    const { 'all-tags': all, platform, quiet } = values;
    const named = parseReference(name);
    const isNameOnly = named.tag === undefined && named.digest === undefined;
    if (all && !isNameOnly) {
      throw new StackError('invalid_argument', "tag can't be used with --all-tags/-a");
    }
    const reference = all ? named : withDefaultTag(named);
    if (!all && isNameOnly && !quiet) {
      process.stdout.write(`Using default tag: ${reference.tag ?? ''}\n`);
    }
    const repository = formatFamiliar(repositoryOf(reference));
    const messages = client.jsonStream<ProgressMessage>('POST', `/images/${repository}/push`, {
      query: {
        tag: all ? undefined : (reference.tag ?? reference.digest),
        platform: platform === undefined ? undefined : platformQuery(platform),
      },
      // The API wants the header, also where there is nothing to say.
      headers: { 'X-Registry-Auth': 'e30=', ...authHeaders(name) },
    });
    await showProgress(messages, process.stdout, { quiet });
    if (quiet) process.stdout.write(`${formatReference(reference)}\n`);
    return 0;
  },
});
