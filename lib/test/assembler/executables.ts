/** Running assembled executables in tests, those of the other architecture in qemu's user mode. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Architecture } from '#lib/sys/syscalls';

/** How executables of `architecture` are run here. Tests skip when `missing` says what would be needed. */
export function emulator(architecture: Architecture): { command: string[]; missing?: string } {
  if (architecture === process.arch) return { command: [] };
  const qemu = architecture === 'arm64' ? 'qemu-aarch64-static' : 'qemu-x86_64-static';
  try {
    execFileSync(qemu, ['--version'], { stdio: 'ignore' });
    return { command: [qemu] };
  } catch {
    return { command: [], missing: `needs ${qemu} (Debian package qemu-user-static)` };
  }
}

/** A temporary folder with `files`, all executable; the caller removes it. */
export function writeExecutables(files: Readonly<Record<string, Uint8Array>>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'assembled-'));
  for (const [name, content] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), content, { mode: 0o755 });
  }
  return folder;
}

/** Skips the running test and says why in its title. */
export function skip(context: Mocha.Context, reason: string): never {
  if (context.test) context.test.title += ` (${reason})`;
  return context.skip();
}
