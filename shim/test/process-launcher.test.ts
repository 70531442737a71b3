import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ContainerProcess } from '../src/container-process.ts';
import { ProcessLauncher } from '../src/process-launcher.ts';
import type { Reaper } from '../src/reaper.ts';
import { RuntimeCommand } from '../src/runtime-command.ts';
import type { ContainerState } from '../src/state.ts';

describe('ProcessLauncher', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'process-launcher-'));
  after(() => fs.rmSync(folder, { recursive: true }));
  const binary = path.join(folder, 'runtime');
  const stdio = { stdin: '', stdout: '', stderr: '', terminal: false };
  const runtime = {
    binary,
    root: '/r',
    systemdCgroup: false,
    noPivotRoot: false,
    noNewKeyring: false,
    ioUid: 0,
    ioGid: 0,
    criuWorkPath: '',
  };
  const newProcess = (execId: string) =>
    new ContainerProcess({ execId, pid: 0, status: 'created', stdio });
  const state: ContainerState = {
    id: 'c',
    namespace: 'ns',
    bundle: folder,
    runtime,
    rootfsMounted: false,
    privatePidNamespace: true,
    reportedOomKills: 0,
    init: newProcess('').state,
    execs: [],
  };
  const exitOf = (pid: number) => ({ pid, exitStatus: 3, exitedAt: { seconds: 1, nanos: 0 } });
  const launcher = new ProcessLauncher(state, new RuntimeCommand(runtime, folder), {} as Reaper); // no logger needs it

  async function launch(pid: number): Promise<void> {
    const pidFile = path.join(folder, `${pid}.pid`);
    await launcher.launch(newProcess(`x${pid}`), pidFile, 'exec failed', () => [`${pid}`, pidFile]);
  }

  before(() => {
    fs.writeFileSync(binary, '#!/bin/sh\n[ $7 -gt 0 ] || exit 1\necho $7 >$8\n', { mode: 0o755 });
  });

  it('keeps the exits of all processes that are being made until each was claimed', async () => {
    const both = Promise.all([launch(101), launch(102)]);
    await new Promise((resolve) => setImmediate(resolve));
    launcher.remember(exitOf(101));
    launcher.remember(exitOf(102));
    launcher.remember(exitOf(999)); // an orphan
    await both;
    expect(launcher.claim(101)).to.deep.equal(exitOf(101));
    expect(launcher.claim(102)).to.deep.equal(exitOf(102));
  });

  it('forgets orphans once nothing is being made', async () => {
    launcher.remember(exitOf(103));
    await launch(103);
    expect(launcher.claim(103)).to.equal(undefined);
  });

  it('goes on after a failure', async () => {
    const error: unknown = await launch(0).catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message', 'exec failed: exit status 1');
    await launch(104);
    expect(launcher.claim(104)).to.equal(undefined);
  });
});
