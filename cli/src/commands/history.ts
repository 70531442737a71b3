/** `engine history` */
import { humanDuration } from '#spec/human-duration';
import { platformQuery } from '../client/platform.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, format, text } from '../command-line/flags.ts';
import { printRows } from '../format/listing.ts';
import { rfc3339 } from '../format/timestamp.ts';
import { ellipsis, shortId } from '../format/truncate.ts';
import { humanSize } from '../format/units.ts';

interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Size: number;
  Comment: string;
}

/** Times before the year 2000 are shown as unknown: reproducible builds set them. */
const oldest = Date.UTC(2000, 0, 1) / 1000;

export const history = defineCommand({
  synopsis: '[OPTIONS] IMAGE',
  arguments: { min: 1, max: 1 },
  flags: {
    format: format(),
    human: boolean('Print sizes and dates in human readable format', 'H', true),
    'no-trunc': boolean("Don't truncate output"),
    platform: text(
      'Show history for the given platform. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    ),
    quiet: boolean('Only show image IDs', 'q'),
  },
  async run({ client }, values, [image = '']) {
    const { human, platform, quiet } = values;
    const items = await client.json<HistoryItem[]>('GET', `/images/${image}/history`, {
      query: { platform: platform === undefined ? undefined : platformQuery(platform) },
    });
    const truncate = !values['no-trunc'];
    const rows = items.map(({ Id, Created, CreatedBy, Size, Comment }) => {
      const createdBy = CreatedBy.replaceAll('\t', ' ');
      const createdAt = rfc3339(Created);
      const since = Created <= oldest ? 'N/A' : `${humanDuration(Date.now() - Created * 1000)} ago`;
      return {
        ID: truncate ? shortId(Id) : Id,
        CreatedAt: createdAt,
        CreatedSince: human ? since : createdAt,
        CreatedBy: truncate ? ellipsis(createdBy, 45) : createdBy,
        Size: human ? humanSize(Size) : String(Size),
        Comment,
      };
    });
    printRows(rows, {
      format: values.format,
      quiet: quiet ? 'ID' : undefined,
      columns: [
        ['IMAGE', 'ID'],
        human ? ['CREATED', 'CreatedSince'] : ['CREATED AT', 'CreatedAt'],
        ['CREATED BY', 'CreatedBy'],
        ['SIZE', 'Size'],
        ['COMMENT', 'Comment'],
      ],
      headings: { CreatedSince: 'CREATED', CreatedAt: 'CREATED AT' },
    });
    return 0;
  },
});
