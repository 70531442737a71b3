/**
 * `scripts/vm-test [TEXT]`: the checks of integration-tests/vm/guest, or those whose names contain TEXT, in a virtual
 * machine that has cgroup v2 and nothing else. Results are TAP on stdout; times and reasons go to stderr.
 *
 * Needs qemu-system-x86 and the executables in dist/. The kernel is Debian's cloud kernel, downloaded with apt-get and
 * unpacked into the cache ($XDG_CACHE_HOME, else /var/cache), never installed. Where something is missing the answer
 * is `1..0 # SKIP reason`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findKernel } from './kernel.ts';
import { borrowedPrograms, writeInitramfs } from './initramfs.ts';
import { bootMachine, emulator } from './machine.ts';
import { policyCompiler } from './selinux-policy.ts';

/** The checks need about two minutes on two cores that nothing else uses. */
const machineTimeoutMs = 600_000;

const cache = path.join(process.env['XDG_CACHE_HOME'] ?? '/var/cache', 'engine-tests/vm');
const root = path.resolve(import.meta.dirname, '../..');

/** Permissive: the policy of the checks allows everything anyway. */
const selinuxOptions = ['security=selinux', 'selinux=1', 'enforcing=0'];

const packages: Readonly<Record<string, string>> = { systemctl: 'systemd' };

const [filter = '', ...rest] = process.argv.slice(2);
if (rest.length > 0 || filter.startsWith('-')) {
  process.stderr.write('usage: scripts/vm-test [part of the names of the checks to run]\n');
  process.exit(2);
}
const missing = missingPrerequisite();
if (missing !== undefined) {
  process.stdout.write(`1..0 # SKIP ${missing}\n`);
} else {
  process.exitCode = await runChecks();
}

function missingPrerequisite(): string | undefined {
  if (process.arch !== 'x64') return 'needs x86-64';
  if (!fs.existsSync(emulator)) return 'needs qemu-system-x86';
  if (!fs.existsSync('/bin/busybox')) return 'needs busybox-static';
  for (const [name, program] of Object.entries(borrowedPrograms)) {
    if (!fs.existsSync(program))
      return `needs ${program} (Debian package ${packages[name] ?? name})`;
  }
  if (!fs.existsSync(policyCompiler)) return `needs ${policyCompiler} (Debian package checkpolicy)`;
  if (!fs.existsSync(path.join(root, 'dist/bin/runtime'))) return 'needs dist/bin/runtime';
  return undefined;
}

async function runChecks(): Promise<number> {
  const kernel = findKernel(cache);
  if (kernel === undefined) {
    process.stdout.write(
      '1..0 # SKIP needs the package linux-image-cloud-amd64 (apt-get download)\n',
    );
    return 0;
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'vm-test-'));
  // At exit, because a reader that goes away (`| head`) ends this process by an exception in a callback.
  process.once('exit', () => fs.rmSync(work, { recursive: true, force: true }));
  const initramfs = path.join(work, 'initramfs');
  await writeInitramfs(initramfs, { root, work });
  const started = performance.now();
  let failed = 0;
  let planned: number | undefined;
  let seen = 0;
  const boot = (kernelOptions: readonly string[], parameters: Readonly<Record<string, string>>) =>
    bootMachine({
      ...{ kernel, initramfs, work, kernelOptions, parameters },
      timeoutMs: machineTimeoutMs,
      onLine(line) {
        process.stdout.write(`${line}\n`);
        if (line.startsWith('not ok ')) failed += 1;
        if (/^(not )?ok /.test(line)) seen += 1;
        planned ??= /^1\.\.(\d+)/.exec(line)?.[1] === undefined ? undefined : Number(line.slice(3));
      },
    });
  let { console: log, timedOut } = await boot([], { filter });
  // One security module a kernel: what is left is for a machine with the other.
  if (planned !== undefined && seen < planned && !timedOut) {
    ({ console: log, timedOut } = await boot(selinuxOptions, { filter, stage: 'selinux' }));
  }
  process.stderr.write(`machines ran for ${Math.round((performance.now() - started) / 1000)} s\n`);
  if (failed === 0 && planned !== undefined && planned === seen) return 0;
  if (planned === undefined || planned !== seen) {
    const reason = timedOut ? `did not end within ${machineTimeoutMs / 1000} s` : 'ended early';
    process.stdout.write(`Bail out! the machine ${reason} after ${seen} checks\n`);
    process.stderr.write(`${log}\n`);
  }
  return 1;
}
