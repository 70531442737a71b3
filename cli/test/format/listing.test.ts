import { expect } from 'chai';
import { renderRows } from '../../src/format/listing.ts';

const rows = [
  { ID: '1', Name: 'a-long-name', Label: (key: string) => `${key}-of-1` },
  { ID: '2', Name: '<b>', Label: (key: string) => `${key}-of-2` },
];
const options = {
  quiet: undefined,
  columns: [
    ['CONTAINER ID', 'ID'],
    ['NAME', 'Name'],
  ],
} as const;

describe('renderRows', () => {
  it('aligns columns, none narrower than ten, the last without an end', () => {
    expect(renderRows(rows, { ...options, format: undefined })).to.equal(
      'CONTAINER ID   NAME\n1              a-long-name\n2              <b>\n',
    );
    expect(renderRows(rows, { ...options, format: 'table {{.ID}}\\t{{.Label "tier"}}' })).to.equal(
      'CONTAINER ID   tier\n1              tier-of-1\n2              tier-of-2\n',
    );
  });

  it('prints templates, ids and JSON as Go does', () => {
    expect(renderRows(rows, { ...options, format: '{{.Name}}\\t{{.ID}}' })).to.equal(
      'a-long-name\t1\n<b>\t2\n',
    );
    expect(renderRows(rows, { ...options, format: 'ignored', quiet: 'ID' })).to.equal('1\n2\n');
    expect(renderRows(rows.slice(1), { ...options, format: 'json' })).to.equal(
      '{"ID":"2","Name":"\\u003cb\\u003e"}\n',
    );
  });
});
