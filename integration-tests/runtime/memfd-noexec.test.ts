/** vm.memfd_noexec, the sysctl that may forbid the memfd in which the loader lives. It belongs to a pid namespace. */
import fs from 'node:fs';
import { expect } from 'chai';
import { executablePath, installationRoot } from '#lib/installation/installation';
import { run, type CommandResult } from '../harness/command.ts';
import { describeContainers } from './fixture.ts';

const sysctl = '/proc/sys/vm/memfd_noexec';
/** Where an unlinked file could take the place of the memfd. */
const folders = ['/run', '/dev/shm', '/tmp', '/var/tmp'];
/** The runtime itself may lie in one of them. */
const withoutExecution = `
  for d in ${folders.join(' ')}; do mount --bind $d $d && mount -o remount,bind,noexec $d; done
  mount --bind ${installationRoot()} ${installationRoot()}
  mount -o remount,bind,exec ${installationRoot()}`;

describeContainers('under vm.memfd_noexec', (fixture) => {
  before(function () {
    if (!fs.existsSync(sysctl)) this.skip(); // before Linux 6.3
  });

  /** A shell script in a pid namespace with the value; `$0` is the runtime with its root, `$1` the container's id. */
  function inNamespace(value: number, script: string): Promise<CommandResult> {
    const { bundle, id } = fixture();
    const command = `echo ${value} > ${sysctl}; runtime="$0 --root $1"; id=$2; ${script}`;
    return run(
      'unshare',
      [
        ...['--pid', '--fork', '--mount', '--mount-proc', 'sh', '-c', command],
        ...[executablePath('runtime'), bundle.root, id],
      ],
      { cwd: bundle.directory, env: { TMPDIR: '/tmp' } },
    );
  }

  for (const value of [0, 1, 2]) {
    it(`${value}: creates, starts, executes and runs`, async () => {
      const { bundle } = fixture();
      bundle.configure(['sleep', '60'], (config) => {
        const hook = { path: '/bin/true' };
        config.hooks = { createContainer: [hook], startContainer: [hook] };
      });
      const { stdout, stderr } = await inNamespace(
        value,
        `$runtime create $id > create.out 2>&1; echo create $?
         $runtime start $id; echo start $?
         $runtime exec $id echo inside; echo exec $?
         $runtime delete --force $id; echo delete $?
         $runtime run --detach $id > run.out 2>&1; echo run $?
         $runtime delete --force $id; echo delete $?`,
      );
      expect(stderr).to.equal('');
      expect(stdout).to.equal('create 0\nstart 0\ninside\nexec 0\ndelete 0\nrun 0\ndelete 0\n');
    });
  }

  it('2, where no folder allows a file in its place: the error names the sysctl', async () => {
    const { bundle } = fixture();
    bundle.configure(['true']);
    const { stdout, stderr } = await inNamespace(
      2,
      `${withoutExecution}
       $runtime run $id; echo $?; $runtime state $id; echo $?`,
    );
    expect(stderr).to.match(
      /cannot create the loader: the sysctl vm\.memfd_noexec=2 forbids executable memfds .*\n.*container does not exist/,
    );
    expect(stdout).to.equal('1\n1\n');
  });
});
