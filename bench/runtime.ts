/** create, start and delete of OCI runtimes on one bundle: ours, runc and crun. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { executablePath } from '#lib/installation/installation';
import { findPeer } from '../integration-tests/harness/peers.ts';
import { runOk } from '../integration-tests/harness/command.ts';
import { figure, measure, timeCommand, type Figure } from './measure.ts';

/** Runtimes by name; each gets a state folder of its own. */
function runtimes(root: string): { name: string; command: [string, ...string[]] }[] {
  const peers = ['runc', 'crun'].flatMap((name) => {
    const file = findPeer(name);
    return file === undefined ? [] : [{ name, file }];
  });
  return [{ name: 'runtime', file: executablePath('runtime') }, ...peers].map(({ name, file }) => ({
    name,
    command: [file, '--root', path.join(root, name)],
  }));
}

/** Makes a busybox bundle with `runc spec`'s configuration and a command that ends at once. */
async function makeBundle(root: string): Promise<string> {
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

/** Times each verb by itself, and `run` as a whole. */
export async function measureRuntimes(rounds: number): Promise<Figure[]> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-runtime-'));
  try {
    const bundle = await makeBundle(root);
    const contenders = runtimes(root);
    const figures = await measure(
      'runtime run true',
      contenders.map(({ name, command: [file, ...args] }) => ({
        name,
        run: () => timeCommand(file, [...args, 'run', '-b', bundle, 'r']),
      })),
      rounds,
    );
    const samples = new Map<string, number[]>();
    const note = (verb: string, name: string, milliseconds: number): void => {
      const key = `${verb}\0${name}`;
      samples.set(key, [...(samples.get(key) ?? []), milliseconds]);
    };
    for (let round = -2; round < rounds; round++) {
      for (const {
        name,
        command: [file, ...args],
      } of contenders) {
        const time = (...more: string[]) => timeCommand(file, [...args, ...more]);
        const create = await time('create', '-b', bundle, 'c');
        const start = await time('start', 'c');
        while (!(await runOk(file, [...args, 'state', 'c'])).stdout.includes('"stopped"'))
          await delay(2);
        const remove = await time('delete', 'c');
        if (round < 0) continue;
        note('create', name, create);
        note('start', name, start);
        note('delete', name, remove);
        note('create + start + delete', name, create + start + remove);
      }
    }
    for (const [key, values] of samples) {
      const [verb = '', name = ''] = key.split('\0');
      figures.push(figure(`runtime ${verb}`, name, values));
    }
    return figures;
  } finally {
    fs.rmSync(root, { recursive: true, force: true });
  }
}
