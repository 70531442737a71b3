/** `engine search` */
import { filterQuery } from '../client/filters.ts';
import { defineCommand } from '../command-line/command.ts';
import { boolean, list, text } from '../command-line/flags.ts';
import { authHeaders } from '../credentials/registry-auth.ts';
import { printRows } from '../format/listing.ts';
import { ellipsis } from '../format/truncate.ts';
import { parseInteger } from '../format/units.ts';

interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
}

export const search = defineCommand({
  synopsis: '[OPTIONS] TERM',
  arguments: { min: 1, max: 1 },
  flags: {
    filter: list('Filter output based on conditions provided', 'f', 'filter'),
    format: text('Pretty-print search using a Go template'),
    limit: text('Max number of search results', undefined, 'int'),
    'no-trunc': boolean("Don't truncate output"),
  },
  async run({ client }, values, [term = '']) {
    const { filter, format, limit } = values;
    const results = await client.json<SearchResult[]>('GET', '/images/search', {
      query: {
        term,
        limit: limit === undefined ? undefined : parseInteger(limit, '--limit'),
        filters: filterQuery(filter),
      },
      headers: searchHeaders(term),
    });
    const isJson = format === 'json';
    const rows = results.map(({ name, description, star_count: stars, is_official: official }) => {
      const line = description.replaceAll(/[\n\r]/g, ' ');
      return {
        Name: name,
        Description: values['no-trunc'] ? line : ellipsis(line, 45),
        StarCount: String(stars),
        IsOfficial: isJson ? String(official) : official ? '[OK]' : '',
      };
    });
    printRows(rows, {
      format,
      quiet: undefined,
      columns: [
        ['NAME', 'Name'],
        ['DESCRIPTION', 'Description'],
        ['STARS', 'StarCount'],
        ['OFFICIAL', 'IsOfficial'],
      ],
    });
    return 0;
  },
});

/** A term may begin with a registry's name; it need not be the name of an image. */
function searchHeaders(term: string): Record<string, string> {
  const [first = ''] = term.split('/');
  const hasRegistry = term.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return authHeaders(hasRegistry ? `${first}/any` : 'any');
}
