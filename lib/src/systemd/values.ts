/** Values of units' properties as D-Bus carries them. */
import type { Variant } from '#lib/dbus/signature';

/** -1 becomes the highest number, which is systemd's infinity. */
export function uint64(value: number | bigint): Variant {
  return { signature: 't', value: BigInt.asUintN(64, BigInt(value)) };
}

/** `0-2,9` as a bit mask, lowest byte first. */
export function bits(list: string): Variant {
  const mask: number[] = [];
  for (const range of list.split(',').map((text) => text.trim())) {
    if (range === '') continue;
    const [first = 0, last = first] = range.split('-').map(Number);
    for (let bit = first; bit <= last; bit++) {
      while (mask.length <= bit >> 3) mask.push(0);
      mask[bit >> 3] = (mask[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }
  return { signature: 'ay', value: Uint8Array.from(mask) };
}
