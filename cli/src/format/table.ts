/** Columns aligned as docker's tables are: three spaces between them, none narrower than ten characters. */

export interface TableLayout {
  /** Width that no column but the last goes below, its space included. */
  narrowest?: number;
}

const gap = 3;

/** Rows below their headings. The last column is not padded. */
export function renderTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { narrowest = 10 }: TableLayout = {},
): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    Math.max(narrowest, ...all.map((row) => (row[column] ?? '').length + gap)),
  );
  return all
    .map((row) =>
      row
        .map((cell, column) =>
          column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
        )
        .join('')
        .concat('\n'),
    )
    .join('');
}
