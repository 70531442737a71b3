/** Which processes there are: one per layer, and nothing of ours inside a container. */
import fs from 'node:fs';
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import type { Stack } from '../harness/stack.ts';

interface Process {
  pid: number;
  command: string;
  pidNamespace: string;
}

function processes(): Process[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [
          {
            pid: Number(name),
            command: fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').join(' ').trim(),
            pidNamespace: fs.readlinkSync(`/proc/${name}/ns/pid`),
          },
        ];
      } catch {
        return []; // it ended
      }
    });
}

describe('the processes of a stack', () => {
  let stack: Stack;
  let ids: string[] = [];

  before(async function () {
    needRoot(this);
    const busybox = `${await devRegistry(this)}/busybox`;
    stack = await sharedStack();
    await stack.engineOk('pull', '-q', busybox);
    ids = await Promise.all(
      [1, 2].map((n) =>
        stack.engineOk('run', '-d', '--name', `proc${n}`, busybox, 'sleep', '1000'),
      ),
    );
  });

  after(async () => {
    if (ids.length > 0) await stack.engineOk('rm', '-f', ...ids);
  });

  it('are engined, containerd-lite and one shim per container, each its own', () => {
    const all = processes();
    const ours = (text: string) =>
      all.filter(({ command }) => command.includes(text) && command.includes(stack.root));
    expect(ours('/engined.cjs')).to.have.lengthOf(1);
    expect(ours('/containerd-lite.cjs')).to.have.lengthOf(1);
    for (const id of ids) {
      expect(
        all.filter(
          ({ command }) => command.includes('containerd-shim-lite-v2') && command.includes(id),
        ),
      ).to.have.lengthOf(1);
    }
  });

  it('leave no Node in a container', async () => {
    for (const id of ids) {
      const pid = Number(await stack.engineOk('inspect', '-f', '{{.State.Pid}}', id));
      const namespace = fs.readlinkSync(`/proc/${pid}/ns/pid`);
      expect(namespace).not.to.equal(fs.readlinkSync('/proc/self/ns/pid'));
      const inside = processes().filter(({ pidNamespace }) => pidNamespace === namespace);
      expect(inside.map(({ command }) => command)).to.deep.equal(['sleep 1000']);
      expect(fs.readlinkSync(`/proc/${pid}/exe`)).to.equal('/bin/sleep');
    }
  });
});
