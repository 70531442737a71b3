/** The images of the development registry, as OCI layouts. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { digestOf } from '#spec/digest';
import { writeLayout, type ImageSource } from './layout.ts';
import { debianMirror } from './packages.ts';

/** Layout folders by image name. */
export type Images = ReadonlyMap<string, string>;

const ownArchitecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const largestOutput = 1 << 30;

/** Makes all images below `work`. The first run of debootstrap takes half a minute. */
export async function createImages(work: string): Promise<Images> {
  const busybox = busyboxLayer(path.join(work, 'busybox-rootfs'));
  const config = { Env: [searchPath], Cmd: ['sh'], Labels: { 'engine.test': 'busybox' } };
  const small: ImageSource = { architecture: ownArchitecture, layers: [busybox], config };
  const sources: Record<string, readonly ImageSource[]> = {
    busybox: [small],
    debian: [
      {
        architecture: ownArchitecture,
        layers: debianLayers(path.join(work, 'debian-rootfs')),
        config: { Env: [searchPath], Cmd: ['bash'] },
      },
    ],
    multi: [
      { ...small, ...platform('amd64'), layers: [layerFor('amd64', busybox)] },
      { ...small, ...platform('arm64'), layers: [layerFor('arm64', busybox)] },
    ],
    'wrong-digest': [{ ...small, layers: [textLayer(work, 'wrong-digest', 'once right')] }],
    'corrupt-layer': [
      { ...small, layers: [textLayer(work, 'corrupt', 'x\n'.repeat(9999))], damage },
    ],
    'wrong-diff-id': [{ ...small, diffIds: [digestOf('something else')] }],
    escape: [{ ...small, layers: [escapingLayer(work)] }],
  };
  const images = new Map<string, string>();
  for (const [name, image] of Object.entries(sources)) {
    const folder = path.join(work, 'layouts', name);
    writeLayout(folder, image);
    images.set(name, folder);
  }
  return images;
}

function platform(architecture: string): { architecture: string; variant?: string } {
  return architecture === 'arm64' ? { architecture, variant: 'v8' } : { architecture };
}

/** Only this machine's own platform can run here; the other one holds a file that says what it is. */
function layerFor(architecture: string, busybox: Buffer): Buffer {
  if (architecture === ownArchitecture) return busybox;
  const folder = fs.mkdtempSync('/tmp/layer-');
  try {
    fs.writeFileSync(path.join(folder, 'architecture'), `${architecture}\n`);
    return tar(folder);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** A root file system of one static executable; its applets are hard links, as in the well-known image. */
function busyboxLayer(folder: string): Buffer {
  for (const name of ['bin', 'dev', 'etc', 'home', 'proc', 'root', 'sys', 'usr/bin', 'var/www']) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  }
  fs.mkdirSync(path.join(folder, 'tmp'));
  fs.chmodSync(path.join(folder, 'tmp'), 0o1777);
  fs.chmodSync(path.join(folder, 'root'), 0o700);
  const busybox = path.join(folder, 'bin/busybox');
  fs.copyFileSync('/bin/busybox', busybox);
  for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).split('\n')) {
    if (applet !== '' && applet !== 'busybox')
      fs.linkSync(busybox, path.join(folder, 'bin', applet));
  }
  const etc = (name: string, ...lines: string[]) =>
    fs.writeFileSync(path.join(folder, 'etc', name), lines.map((line) => `${line}\n`).join(''));
  etc(
    'passwd',
    'root:x:0:0:root:/root:/bin/sh',
    'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
    'www-data:x:33:33:www-data:/var/www:/bin/false',
    'nobody:x:65534:65534:nobody:/home:/bin/false',
  );
  etc('group', 'root:x:0:', 'daemon:x:1:', 'www-data:x:33:', 'nogroup:x:65534:');
  return tar(folder);
}

/** The distribution's minimal system in three layers, the last of which hides part of the one below it. */
function debianLayers(folder: string): Buffer[] {
  debootstrap(folder);
  fs.rmSync(path.join(folder, 'var/cache/apt/archives'), { recursive: true, force: true });
  fs.mkdirSync(path.join(folder, 'var/cache/apt/archives/partial'), { recursive: true });
  const base = tar(folder, '--exclude=./usr/share/*');
  const share = tar(folder, '--no-recursion', './usr', './usr/share', '--recursion', './usr/share');
  const change = fs.mkdtempSync('/tmp/layer-');
  try {
    fs.mkdirSync(path.join(change, 'usr/share'), { recursive: true });
    fs.writeFileSync(path.join(change, 'usr/share/.wh.info'), '');
    fs.mkdirSync(path.join(change, 'etc'));
    fs.writeFileSync(path.join(change, 'etc/engine-layer'), 'third\n');
    return [base, share, tar(change, './usr/share/.wh.info', './etc/engine-layer')];
  } finally {
    fs.rmSync(change, { recursive: true });
  }
}

function debootstrap(folder: string): void {
  const mirror = debianMirror();
  try {
    execFileSync(
      '/usr/sbin/debootstrap',
      ['--variant=minbase', 'bookworm', folder, ...(mirror === undefined ? [] : [mirror])],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
  } catch (error) {
    const output = (error as { stdout?: string }).stdout ?? ''; // what execFileSync adds to its error
    throw new Error(`debootstrap failed:\n${output.slice(-2000)}`, { cause: error });
  }
}

function textLayer(work: string, name: string, text: string): Buffer {
  const folder = path.join(work, name);
  fs.mkdirSync(folder);
  fs.writeFileSync(path.join(folder, 'text'), text);
  return tar(folder);
}

/** A link out of the root, and a file behind it. */
function escapingLayer(work: string): Buffer {
  const folder = path.join(work, 'escape');
  fs.mkdirSync(path.join(folder, 'real'), { recursive: true });
  fs.writeFileSync(path.join(folder, 'real/escaped'), 'outside\n');
  fs.symlinkSync('../../../../../../../../tmp', path.join(folder, 'link'));
  return tar(folder, '-P', '--transform=s,^./real/,./link/,', './link', './real/escaped');
}

/** Turns the middle of a compressed layer into nonsense; its first bytes still say gzip. */
function damage(compressed: Buffer): Buffer {
  const damaged = Buffer.from(compressed);
  damaged.fill(0xff, Math.floor(damaged.length / 3), Math.floor(damaged.length / 2));
  return damaged;
}

/** An archive of a folder that does not depend on when it was made. */
function tar(folder: string, ...args: string[]): Buffer {
  const what = args.some((argument) => argument.startsWith('./')) ? args : [...args, '.'];
  const stable = ['--format=pax', '--pax-option=delete=atime,delete=ctime', '--sort=name'];
  const owners = ['--numeric-owner', '--xattrs', '--xattrs-include=security.capability'];
  return execFileSync('tar', ['-C', folder, ...stable, ...owners, '-c', ...what], {
    maxBuffer: largestOutput,
    stdio: ['ignore', 'pipe', 2],
  });
}
