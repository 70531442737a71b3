/** Debian packages that the development registry needs. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

const packageByProgram = {
  '/usr/bin/docker-registry': 'docker-registry',
  '/usr/bin/skopeo': 'skopeo',
  '/usr/sbin/debootstrap': 'debootstrap',
  '/bin/busybox': 'busybox-static',
} as const;

/** Installs what is not there yet. Throws if that is not possible. */
export function installMissingPackages(): void {
  const missing = Object.entries(packageByProgram)
    .filter(([program]) => !fs.existsSync(program))
    .map(([, name]) => name);
  if (missing.length === 0) return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  const apt = (...args: string[]) =>
    execFileSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 2, 2] });
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...missing);
}

/** The mirror that this machine's apt uses for bookworm; undefined leaves debootstrap its own default. */
export function debianMirror(): string | undefined {
  const files = ['/etc/apt/sources.list', ...sourceLists('/etc/apt/sources.list.d')];
  for (const file of files.filter((name) => fs.existsSync(name))) {
    const text = fs.readFileSync(file, 'utf8');
    const oneLine = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+bookworm\s/m.exec(text)?.[1];
    if (oneLine !== undefined) return oneLine;
    for (const stanza of text.split(/\n\s*\n/)) {
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
      if (uri !== undefined && /^Suites:.*\bbookworm(\s|$)/m.test(stanza)) return uri;
    }
  }
  return undefined;
}

function sourceLists(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => `${folder}/${name}`) : [];
}
