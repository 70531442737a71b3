/**
 * The virtual machine's file system: busybox, the runtime with its Node, systemd, AppArmor's parser, the libraries that
 * they need, and the checks.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { CpioWriter } from './cpio.ts';
import { compilePolicy } from './selinux-policy.ts';

/** Programs of this machine that the checks need; their paths are the same in the virtual one. */
export const borrowedPrograms = {
  systemd: '/lib/systemd/systemd',
  systemctl: '/usr/bin/systemctl',
  apparmor: '/sbin/apparmor_parser',
} as const;

/** What the runtime is made of, below `dist`: its bundles are found by their names. */
function installation(dist: string): string[] {
  const bundles = fs
    .readdirSync(path.join(dist, 'lib'))
    .filter((name) => /^runtime(-[a-z]+)?\.(cjs|js|cache)$/.test(name));
  return [
    ...['bin/runtime', 'lib/node', 'lib/koffi.node', 'lib/package.json'],
    ...bundles.map((name) => `lib/${name}`),
  ];
}

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
  add('checks/policy.bin', compilePolicy(work));
  const dist = path.join(root, 'dist');
  for (const name of installation(dist)) add(`engine/${name}`, path.join(dist, name));
  const programs = Object.values(borrowedPrograms);
  for (const program of programs) add(program.slice(1), program);
  const needed = [path.join(dist, 'lib/node'), ...programs].flatMap(sharedLibraries);
  for (const library of new Set(needed)) add(library.slice(1), library);
  for (const unit of ['default.target', 'checks.service']) {
    add(`etc/systemd/system/${unit}`, path.join(import.meta.dirname, unit));
  }
  archive.file('etc/passwd', Buffer.from('root:x:0:0:root:/root:/bin/sh\n'));
  archive.finish();
}

/** The dynamic linker and the libraries of `executable`, as absolute paths. */
function sharedLibraries(executable: string): string[] {
  const output = execFileSync('ldd', [executable], { encoding: 'utf8' });
  return [...output.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library);
}
