/** What the runtimes are measured with. */
import fs from 'node:fs';
import path from 'node:path';
import { runOk } from '../integration-tests/harness/command.ts';

/** Makes a busybox bundle below `root` with `runc spec`'s configuration and a command that ends at once. */
export async function makeBundle(root: string): Promise<string> {
  const bundle = path.join(root, 'bundle');
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp']) {
    fs.mkdirSync(path.join(bundle, 'rootfs', folder), { recursive: true });
  }
  fs.copyFileSync('/bin/busybox', path.join(bundle, 'rootfs/bin/busybox'));
  fs.symlinkSync('busybox', path.join(bundle, 'rootfs/bin/true'));
  await runOk('runc', ['spec', '-b', bundle]);
  const file = path.join(bundle, 'config.json');
  // runc wrote it: its shape is known.
  const config = JSON.parse(fs.readFileSync(file, 'utf8')) as {
    process: { terminal: boolean; args: string[] };
  };
  config.process.terminal = false;
  config.process.args = ['true'];
  fs.writeFileSync(file, JSON.stringify(config));
  return bundle;
}
