/** Which extended attributes belong to a file, and so into a layer, and not to the machine it lies on. */

const aclNames: readonly string[] = ['system.posix_acl_access', 'system.posix_acl_default'];

/**
 * The attributes that go into a layer: file capabilities, access control lists and what users have set. Labels of
 * security modules are the machine's; `trusted.` and `user.overlay.` are overlayfs's and the administrator's.
 */
export function layerXattrs(all: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (all.size === 0) return all;
  return new Map([...all].filter(([name]) => belongsToFile(name)));
}

/** Whether two sets hold the same names and values. */
export function sameXattrs(
  a: ReadonlyMap<string, Buffer>,
  b: ReadonlyMap<string, Buffer>,
): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([name, value]) => b.get(name)?.equals(value));
}

function belongsToFile(name: string): boolean {
  if (name === 'security.capability' || aclNames.includes(name)) return true;
  return name.startsWith('user.') && !name.startsWith('user.overlay.');
}
