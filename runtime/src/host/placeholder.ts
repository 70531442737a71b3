/** A process that only exists: it keeps a unit of systemd alive until the container's own process is in it. */
import fs from 'node:fs';
import { ProgramBuilder } from '#lib/loader/program';
import { prologue } from '#lib/loader/sequences';
import { startLoader } from '#lib/loader/spawn-loader';
import { waitPid } from '#lib/sys/posix-spawn';

const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

export class Placeholder {
  readonly pid: number;

  constructor() {
    const builder = new ProgramBuilder();
    prologue(builder, { name: 'runtime:unit' });
    builder.stage('wait').syscall('prctl', [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0]);
    builder.syscall('ppoll', [0, 0, 0, 0, 0]);
    const { pid, result } = startLoader(builder.build(), { argv0: 'runtime' });
    fs.closeSync(result);
    this.pid = pid;
  }

  end(): void {
    process.kill(this.pid, 'SIGKILL'); // a zombie until the next line at the latest
    waitPid(this.pid);
  }
}
