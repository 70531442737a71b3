/** The virtual machine's file system: busybox, the runtime with its Node, the C library it needs, and the checks. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { CpioWriter } from './cpio.ts';

/** What the runtime is made of, below dist/. */
const installation = [
  'bin/runtime',
  'lib/node',
  'lib/koffi.node',
  'lib/package.json',
  ...['cjs', 'js', 'cache'].flatMap((kind) => [`lib/runtime.${kind}`, `lib/runtime-all.${kind}`]),
];

/** Writes the archive `file`. `work` is for what must be made first. */
export async function writeInitramfs(
  file: string,
  { root, work }: { root: string; work: string },
): Promise<void> {
  const checks = path.join(work, 'checks.mjs');
  await build({
    entryPoints: [path.join(root, 'integration-tests/vm/guest/main.ts')],
    outfile: checks,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  });
  const archive = new CpioWriter(file);
  const add = (name: string, source: string) => {
    archive.file(name, fs.readFileSync(source), fs.statSync(source).mode & 0o777);
  };
  archive.characterDevice('dev/console', [5, 1]);
  for (const directory of ['proc', 'sys', 'run', 'tmp', 'root', 'newroot']) {
    archive.directory(directory);
  }
  add('bin/busybox', '/bin/busybox');
  archive.symbolicLink('bin/sh', 'busybox');
  add('init', path.join(import.meta.dirname, 'init.sh'));
  add('checks/main.mjs', checks);
  for (const name of installation) add(`engine/${name}`, path.join(root, 'dist', name));
  for (const library of sharedLibraries(path.join(root, 'dist/lib/node'))) {
    add(library.slice(1), library);
  }
  archive.file('etc/passwd', Buffer.from('root:x:0:0:root:/root:/bin/sh\n'));
  archive.finish();
}

/** The dynamic linker and the libraries of `executable`, as absolute paths. */
function sharedLibraries(executable: string): string[] {
  const output = execFileSync('ldd', [executable], { encoding: 'utf8' });
  return [...output.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}
