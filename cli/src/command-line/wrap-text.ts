/** Breaks the words of a flag into lines where Go's pflag breaks them. */

/** The last line may be this much longer, rather than leave a short word alone. */
const slack = 5;
/** Columns narrower than this begin below the flag instead. */
const narrowest = 24;
const narrowIndent = 16;

/** Lines after the first begin with `indent` spaces; where there is a blank to break at, none ends beyond `width`. */
export function wrapText(text: string, indent: number, width: number): string {
  const isNarrow = width - indent < narrowest;
  const margin = isNarrow ? narrowIndent : indent;
  const lines: string[] = isNarrow ? [''] : [];
  for (let rest = text; rest !== '';) {
    const end = lineEnd(rest, width - margin - slack);
    lines.push(rest.slice(0, end));
    rest = rest.slice(end + 1);
  }
  return lines.join('\n').replaceAll('\n', `\n${' '.repeat(margin)}`);
}

function lineEnd(text: string, limit: number): number {
  if (text.length < limit + slack) return text.length;
  const line = text.slice(0, limit);
  const newline = line.lastIndexOf('\n');
  const blank = Math.max(line.lastIndexOf(' '), newline);
  if (blank <= 0) return text.length;
  return newline > 0 ? newline : blank;
}
