/** Newer versions of the real programs, unpacked beside the installed ones (scripts/newer-peers). */
import path from 'node:path';
import type { Context } from 'mocha';
import { run } from './command.ts';
import { skip } from './peers.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/newer-peers');

/** Folders to put in front of PATH. Skips where the packages cannot be had. */
export async function newerPeers(context: Context): Promise<string[]> {
  context.timeout(300_000); // the first time on a machine downloads them
  const { status, stdout, stderr } = await run(script, [], { timeoutMs: 300_000 });
  if (status !== 0) skip(context, `the newer peers cannot be had: ${stderr.trim()}`);
  const folder = stdout.trim();
  return [path.join(folder, 'usr/bin'), path.join(folder, 'usr/sbin')];
}
