/** The real programs that our layers are tested beside, from Debian packages (scripts/install-peers). */
import fs from 'node:fs';
import path from 'node:path';
import type { Context } from 'mocha';

const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Absolute path of a peer's executable, or undefined. */
export function findPeer(name: string): string | undefined {
  return searchPath.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

/**
 * Absolute paths of the peers a test needs. Where one is missing the test is skipped with the reason;
 * in CI (`CI=true`) that is a failure, because there every peer must have been installed.
 */
export function needPeers<Name extends string>(
  context: Context,
  ...names: Name[]
): Record<Name, string> {
  const missing = names.filter((name) => findPeer(name) === undefined);
  if (missing.length > 0) skip(context, `needs ${missing.join(', ')} (scripts/install-peers)`);
  return Object.fromEntries(names.map((name) => [name, findPeer(name)])) as Record<Name, string>;
}

/** Skips the test, or fails it in CI when `allowedInCi` is not set. */
export function skip(context: Context, reason: string, { allowedInCi = false } = {}): never {
  if (process.env['CI'] === 'true' && !allowedInCi) throw new Error(`not skipped in CI: ${reason}`);
  const test = context.test ?? context.currentTest;
  if (test) test.title += ` (skipped: ${reason})`;
  return context.skip();
}

/** Skips unless root: the kernel refuses what integration tests do. */
export function needRoot(context: Context): void {
  if (process.getuid?.() !== 0) skip(context, 'needs root');
}
