/**
 * Runs the checks inside the virtual machine and prints TAP on stdout: first those that need nothing special,
 * then, in processes of their own with the name of a stage as argument, the others.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { checks } from './checks.ts';
import { removeContainers, rootfs } from './container.ts';

const print = (line: string) => fs.writeSync(1, `${line}\n`);

const parameters = fs.readFileSync('/proc/cmdline', 'utf8').trim().split(' ');
const filter = decodeURIComponent(
  parameters.find((word) => word.startsWith('checks.filter='))?.slice('checks.filter='.length) ??
    '',
);
const chosen = checks.filter(({ name }) => name.includes(filter));
const stage = process.argv[2];

prepareRootfs();
if (stage === undefined) {
  print('TAP version 13');
  print(`1..${chosen.length}`);
}
for (const [index, check] of chosen.entries()) {
  if (check.stage !== stage) continue;
  const started = performance.now();
  let failure: Error | undefined;
  try {
    await check.run();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
  }
  const leftover = removeContainers();
  if (leftover !== undefined) failure ??= new Error(leftover);
  const result = `ok ${index + 1} - ${check.name}`;
  if (failure === undefined) {
    print(`${result} # ${Math.round(performance.now() - started)} ms`);
  } else {
    print(`not ${result}`);
    for (const line of (failure.stack ?? failure.message).split('\n')) print(`  # ${line}`);
  }
}

/** A root file system of busybox, shared by all containers. */
function prepareRootfs(): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'root']) {
    fs.mkdirSync(`${rootfs}/${name}`, { recursive: true });
  }
  fs.copyFileSync('/bin/busybox', `${rootfs}/bin/busybox`);
  execFileSync('/bin/busybox', ['--install', '-s', `${rootfs}/bin`]);
}
