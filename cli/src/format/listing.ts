/** Lists as docker prints them: a table, only ids, JSON lines, or a template per row. */
import { compileTemplate, unescapeFormat } from './go-template.ts';
import { renderTable } from './table.ts';

/** What a row has for templates: texts, and methods (`.Label "key"`). */
export type Row = Readonly<
  Record<string, string | boolean | null | ((argument: string) => string)>
>;

export interface ListingOptions<Fields extends Row> {
  /** `table`, `table TEMPLATE`, `json`, or a template. */
  format: string | undefined;
  /** Print this field only (`-q`). */
  quiet: (keyof Fields & string) | undefined;
  /** Heading and field of each column. */
  columns: readonly (readonly [string, keyof Fields & string])[];
  /** Headings of fields that only templates ask for. */
  headings?: Readonly<Record<string, string>>;
}

/** Writes `rows` to stdout. Throws invalid_argument for a template that cannot be used. */
export function printRows<Fields extends Row>(
  rows: readonly Fields[],
  options: ListingOptions<Fields>,
): void {
  process.stdout.write(renderRows(rows, options));
}

/** What {@link printRows} writes. */
export function renderRows<Fields extends Row>(
  rows: readonly Fields[],
  { format, quiet, columns, headings = {} }: ListingOptions<Fields>,
): string {
  const text = (value: Row[string] | undefined): string => (typeof value === 'string' ? value : '');
  if (quiet !== undefined) return rows.map((row) => `${text(row[quiet])}\n`).join('');
  if (format === undefined || format === '' || format === 'table') {
    return renderTable(
      columns.map(([heading]) => heading),
      rows.map((row) => columns.map(([, field]) => text(row[field]))),
    );
  }
  if (format === 'json') return rows.map((row) => `${goJson(sorted(row))}\n`).join('');
  if (format.startsWith('table ')) {
    const template = compileTemplate(unescapeFormat(format.slice('table '.length).trim()));
    const header = {
      ...headings,
      ...Object.fromEntries(columns.map(([name, field]) => [field, name])),
    };
    const lines = [withMethods(header, rows[0]), ...rows.map(sorted)].map((row) =>
      template(row).split('\t'),
    );
    return renderTable(lines[0] ?? [], lines.slice(1));
  }
  const template = compileTemplate(unescapeFormat(format));
  return rows.map((row) => `${template(sorted(row))}\n`).join('');
}

/** By name, as `{{json .}}` of a row comes. */
function sorted(row: Row): Row {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As Go marshals: safe to stand in HTML. */
export function goJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16)}`,
  );
}

/** Where a row has a method, its heading is the argument: the column of `.Label "tier"` is called `tier`. */
function withMethods(header: Readonly<Record<string, string>>, row: Row | undefined): Row {
  const methods = Object.entries(row ?? {}).filter(([, value]) => typeof value === 'function');
  const named = methods.map(([name]) => [name, (argument: string) => argument] as const);
  return { ...header, ...Object.fromEntries(named) };
}
