/** Order of names in which `a10` comes after `a9`. */
export function naturalOrder(left: string, right: string): number {
  const [a, b] = [left, right].map((text) => text.split(/(\d+)/));
  for (const [index, part] of (a ?? []).entries()) {
    const other = b?.[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const isNumber = index % 2 === 1;
    if (isNumber && Number(part) !== Number(other)) return Number(part) - Number(other);
    return part < other ? -1 : 1;
  }
  return (a?.length ?? 0) - (b?.length ?? 0);
}
