/** Lists as docker prints them: a table, only ids, JSON lines, or a template per row. */
import { compileTemplate } from './go-template.ts';
import { renderTable } from './table.ts';

export interface ListingOptions<Row> {
  /** `table`, `table TEMPLATE`, `json`, or a template. */
  format: string | undefined;
  /** Print this field only (`-q`). */
  quiet: (keyof Row & string) | undefined;
  /** Heading and field of each column. */
  columns: readonly (readonly [string, keyof Row & string])[];
}

/** Writes `rows` to stdout. Throws UsageError for a template that cannot be parsed. */
export function printRows<Row extends Readonly<Record<string, string>>>(
  rows: readonly Row[],
  { format = 'table', quiet, columns }: ListingOptions<Row>,
): void {
  if (quiet !== undefined) {
    process.stdout.write(rows.map((row) => `${row[quiet]}\n`).join(''));
  } else if (format === 'table') {
    process.stdout.write(
      renderTable(
        columns.map(([heading]) => heading),
        rows.map((row) => columns.map(([, field]) => row[field] ?? '')),
      ),
    );
  } else if (format === 'json') {
    process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  } else if (format.startsWith('table ')) {
    const template = compileTemplate(format.slice('table '.length));
    const headings = Object.fromEntries(columns.map(([heading, field]) => [field, heading]));
    const lines = [headings, ...rows].map((row) => template(row).split('\t'));
    process.stdout.write(renderTable(lines[0] ?? [], lines.slice(1)));
  } else {
    const template = compileTemplate(format);
    process.stdout.write(rows.map((row) => `${template(row)}\n`).join(''));
  }
}
