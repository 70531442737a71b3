/**
 * The comment of a rule, kept as user data the way nft and iptables-nft keep it: type, length, text with its
 * zero byte.
 */

const NFTNL_UDATA_RULE_COMMENT = 0;
/** The length is one byte and counts the zero byte. */
const maximumBytes = 254;

/** User data with one comment. */
export function encodeComment(comment: string): Buffer {
  const text = Buffer.from(`${comment}\0`);
  if (text.length > maximumBytes) throw new RangeError(`rule comment of ${text.length} bytes`);
  return Buffer.concat([Buffer.from([NFTNL_UDATA_RULE_COMMENT, text.length]), text]);
}

/** The comment in user data, if there is one. */
export function decodeComment(userData: Buffer): string | undefined {
  let offset = 0;
  while (offset + 2 <= userData.length) {
    const length = userData.readUInt8(offset + 1);
    if (userData.readUInt8(offset) === NFTNL_UDATA_RULE_COMMENT) {
      return userData.toString('utf8', offset + 2, offset + 2 + length).replace(/\0.*$/s, '');
    }
    offset += 2 + length;
  }
  return undefined;
}
