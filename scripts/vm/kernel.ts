/** Debian's kernel for virtual machines, unpacked into a cache folder. Nothing is installed. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const metaPackage = 'linux-image-cloud-amd64';
const downloadTimeoutMs = 300_000;

/**
 * Path of a bootable kernel image, downloaded into `cache` if it holds none; undefined where apt-get has no such
 * package or cannot reach its archive.
 */
export function findKernel(cache: string): string | undefined {
  return cachedKernel(cache) ?? (download(cache) ? cachedKernel(cache) : undefined);
}

function cachedKernel(cache: string): string | undefined {
  if (!fs.existsSync(cache)) return undefined;
  const image = fs
    .readdirSync(cache)
    .filter((name) => name.startsWith('vmlinuz-'))
    .sort()
    .at(-1);
  return image && path.join(cache, image);
}

/** The image appears under its name only when it is complete. */
function download(cache: string): boolean {
  fs.mkdirSync(cache, { recursive: true });
  const work = fs.mkdtempSync(path.join(cache, 'work-'));
  const command = (file: string, ...args: string[]) =>
    execFileSync(file, args, {
      cwd: work,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: downloadTimeoutMs,
    });
  try {
    // The package of that name is empty: it depends on the newest kernel.
    const depends = command('apt-cache', 'depends', metaPackage);
    const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
    if (name === undefined) return false;
    command('apt-get', 'download', '-qq', name);
    const archive = fs.readdirSync(work).find((file) => file.endsWith('.deb'));
    if (archive === undefined) return false;
    command('dpkg', '-x', archive, 'package');
    const boot = path.join(work, 'package/boot');
    const image = fs.readdirSync(boot).find((file) => file.startsWith('vmlinuz-'));
    if (image === undefined) return false;
    fs.renameSync(path.join(boot, image), path.join(cache, image));
    return true;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}
