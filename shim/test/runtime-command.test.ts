import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { ReportedError } from '#proto/status';
import { RuntimeCommand } from '../src/runtime-command.ts';
import type { RuntimeOptions } from '../src/runtime-options.ts';

describe('RuntimeCommand', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'runtime-command-'));
  after(() => fs.rmSync(folder, { recursive: true }));

  const options: RuntimeOptions = {
    binary: '/no/such/runtime',
    root: '/root-of-it',
    systemdCgroup: false,
    noPivotRoot: false,
    noNewKeyring: false,
    ioUid: 0,
    ioGid: 0,
    criuWorkPath: '',
  };

  /** A runtime that is a shell script; `$log` is the file after --log. */
  function runtime(script: string, more: Partial<RuntimeOptions> = {}): RuntimeCommand {
    const binary = path.join(folder, 'runtime');
    fs.writeFileSync(binary, `#!/bin/sh\nlog=$4\n${script}`, { mode: 0o755 });
    return new RuntimeCommand({ ...options, ...more, binary }, folder);
  }
  const failure = (script: string) =>
    runtime(script)
      .run('OCI runtime create failed', { args: ['create'] })
      .then(
        () => 'it succeeded',
        (error: unknown) => error,
      );

  it('passes global flags and verb, and returns the output', async () => {
    const command = runtime('echo "$@" | sed "s#$log#LOG#"', { systemdCgroup: true });
    expect(await command.run('x', { args: ['update', 'c1'] })).to.equal(
      '--root /root-of-it --log LOG --log-format json --systemd-cgroup update c1\n',
    );
  });

  it('keeps the NOTIFY_SOCKET of the daemon to itself', async () => {
    process.env['NOTIFY_SOCKET'] = '/of/containerd';
    try {
      const printed = await runtime('echo "[$NOTIFY_SOCKET]"').run('x', { args: ['start'] });
      expect(printed).to.equal('[]\n');
    } finally {
      delete process.env['NOTIFY_SOCKET'];
    }
  });

  it('reports the last error in the log', async () => {
    const error = await failure(
      `echo '{"level":"error","msg":"first"}' >>$log; echo '{"level":"error","msg":"runc create failed: why"}' >>$log
       echo '{"level":"warning","msg":"later"}' >>$log; echo no record >>$log; echo noise >&2; exit 1`,
    );
    expect(error).to.be.instanceOf(ReportedError);
    expect(error).to.have.property('message', 'OCI runtime create failed: runc create failed: why');
  });

  it('reports what was printed where there is no log, else the exit status', async () => {
    expect(await failure('echo bad flag >&2; exit 1')).to.have.property(
      'message',
      'OCI runtime create failed: bad flag',
    );
    expect(await failure('exit 3')).to.have.property(
      'message',
      'OCI runtime create failed: exit status 3',
    );
  });

  it('says which runtime cannot be run', async () => {
    const error: unknown = await new RuntimeCommand(options, folder)
      .run('OCI runtime create failed', { args: [] })
      .catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message').that.includes('cannot run /no/such/runtime');
  });

  it('leaves no log behind', () => {
    expect(fs.readdirSync(folder)).to.deep.equal(['runtime']);
  });
});
