/** Addresses of buses (D-Bus specification, "Server Addresses"). */
import { StackError } from '#spec/errors';

/** The socket of the first unix address in `addresses`; one that begins with NUL is abstract. */
export function socketPath(addresses: string): string {
  for (const address of addresses.split(';')) {
    if (!address.startsWith('unix:')) continue;
    const values = new Map(
      address
        .slice('unix:'.length)
        .split(',')
        .map((pair) => {
          const equals = pair.indexOf('=');
          return [pair.slice(0, equals), unescape(pair.slice(equals + 1))] as const;
        }),
    );
    const path = values.get('path');
    if (path !== undefined) return path;
    const abstract = values.get('abstract');
    if (abstract !== undefined) return `\0${abstract}`;
  }
  throw new StackError(
    'invalid_argument',
    `"${addresses}" is no address of a bus on a unix socket`,
  );
}

/** `%2f` is a slash. */
function unescape(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
