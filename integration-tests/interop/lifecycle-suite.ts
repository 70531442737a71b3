/** A container's life, as every cell of the swap table must live it. Each cell's test file calls this once. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { run, runOk, type CommandOptions, type CommandResult } from '../harness/command.ts';
import { readMachineState, settleTo, type MachineState } from '../harness/machine-state.ts';
import { skip } from '../harness/peers.ts';
import { runInTerminal } from '../harness/terminal.ts';
import { waitFor } from '../harness/wait.ts';
import type { Ability, ContainerClient, RunOptions } from './container-client.ts';
import { cgroupsOf, findProcess, readLimit } from './process-limits.ts';

const mebibyte = 1024 * 1024;

/** `start` runs in a before hook; whatever it started is the caller's to stop. */
export function describeLifecycle(
  title: string,
  start: (context: Context) => Promise<ContainerClient>,
): void {
  describe(title, function () {
    this.timeout(60_000);
    /** In every name, so that what is left behind can be told from what others do on this machine. */
    const tag = `i${randomBytes(4).toString('hex')}`;
    /** A process's arguments do not hold its container's name: this sleep is known by its length. */
    const seconds = String(100_000_000 + randomBytes(3).readUIntBE(0, 3));
    let shared: string;
    let client: ContainerClient;
    let machineBefore: MachineState | undefined;
    let count = 0;

    const newName = (): string => `${tag}-${++count}`;
    const execute = ([file = '', ...args]: readonly string[], options?: CommandOptions) =>
      run(file, args, options);
    const runToEnd = (options: RunOptions, ...command: string[]): Promise<CommandResult> =>
      execute(client.runCommand(newName(), options, command));
    const startDetached = async (options: RunOptions, ...command: string[]): Promise<string> => {
      const name = newName();
      const [file = '', ...args] = client.runCommand(name, { ...options, detached: true }, command);
      await runOk(file, args);
      return name;
    };
    const inTerminal = (argv: readonly string[], rows: number, columns: number) =>
      runInTerminal(argv.map(quote).join(' '), { rows, columns });
    const need = (context: Context, ability: Ability): void => {
      if (!client.abilities.has(ability)) skip(context, `no ${ability}`, { allowedInCi: true });
    };
    const shareFolder = (name: string): string => {
      const folder = path.join(shared, name);
      fs.mkdirSync(folder);
      return folder;
    };

    before(async function () {
      this.timeout(120_000);
      client = await start(this);
      shared = fs.mkdtempSync(path.join(os.tmpdir(), `${tag}-`));
      machineBefore = readMachineState();
    });

    after(async () => {
      if (!machineBefore) return;
      fs.rmSync(shared, { recursive: true });
      const marks = [tag, seconds, ...client.marks()];
      const view = (state: MachineState) => onlyMarked(state, marks);
      expect(await settleTo(view(machineBefore), 10_000, view)).to.deep.equal([]);
    });

    it('runs a command: output, errors, exit code', async () => {
      const result = await runToEnd({}, 'sh', '-c', 'echo out; echo err >&2; exit 7');
      expect(result).to.include({ status: 7, stdout: 'out\n', stderr: 'err\n' });
    });

    it('hands on input and its end', async () => {
      const input = 'more than a pipe holds\n'.repeat(10_000);
      const argv = client.runCommand(newName(), { stdin: true }, ['sh', '-c', 'cat; exit 3']);
      const { status, stdout } = await execute(argv, { input });
      expect(status).to.equal(3);
      expect(stdout === input, `${stdout.length} of ${input.length} bytes`).to.equal(true);
    });

    it('gives a terminal of the right size', async () => {
      const script = 'tty; sleep 0.5; stty size; exit 5';
      const argv = client.runCommand(newName(), { terminal: true }, ['sh', '-c', script]);
      const { stdout, status } = await inTerminal(argv, 22, 77);
      expect(stdout).to.contain('/dev/pts/0').and.to.contain('22 77');
      expect(status).to.equal(5);
    });

    it('says that a command is missing, or cannot be executed', async () => {
      const missing = await runToEnd({}, 'no-such-command');
      expect(missing.stderr)
        .to.match(/no-such-command/)
        .and.to.match(/not found/);
      expect(missing.status).to.equal(client.failureStatus.notFound);
      const folder = await runToEnd({}, '/etc');
      expect(folder.stderr).to.match(/permission denied|not permitted|is a directory/i);
      expect(folder.status).to.equal(client.failureStatus.notExecutable);
    });

    it('limits memory and the number of processes', async () => {
      const limitsProcesses = client.abilities.has('pids limit');
      const limits = { memoryBytes: 64 * mebibyte, ...(limitsProcesses && { pids: 37 }) };
      const name = await startDetached(limits, 'sleep', seconds);
      const cgroups = cgroupsOf(
        await waitFor('its process', () => findProcess(['sleep', seconds])),
      );
      expect(readLimit(cgroups, 'memory', ['memory.limit_in_bytes', 'memory.max'])).to.equal(
        64 * mebibyte,
      );
      if (limitsProcesses) expect(readLimit(cgroups, 'pids', ['pids.max'])).to.equal(37);
      await client.kill(name, 'KILL');
      expect(await client.exitCode(name)).to.equal(137);
      await client.remove(name);
    });

    it('ends with 137 when memory is used up', async () => {
      // runc's shim asks for reports only once the container runs.
      const eat = shell('sleep 0.5; exec dd if=/dev/zero of=/dev/null bs=300M count=1');
      const reports = client.abilities.has('oom report');
      const name = newName();
      const options = { memoryBytes: 32 * mebibyte, keep: reports };
      expect(await execute(client.runCommand(name, options, eat))).to.include({ status: 137 });
      if (!reports) return;
      await waitFor('the report', () => client.oomKilled(name)); // it may come after the exit
      await client.remove(name);
    });

    it('can have a read-only root', async () => {
      const { status, stdout } = await runToEnd({ readOnlyRoot: true }, ...shell('touch /x 2>&1'));
      expect(stdout).to.contain('Read-only file system');
      expect(status).to.equal(1);
    });

    it('binds folders of the host, also read-only', async () => {
      const source = shareFolder('binds');
      fs.writeFileSync(path.join(source, 'in'), 'from the host\n');
      const binds = [
        { source, target: '/rw' },
        { source, target: '/ro', readOnly: true },
      ];
      const script = 'cat /ro/in; echo back > /rw/out; touch /ro/x 2>&1';
      const { stdout } = await runToEnd({ binds }, 'sh', '-c', script);
      expect(stdout).to.match(/^from the host\n.*Read-only file system\n$/);
      expect(fs.readFileSync(path.join(source, 'out'), 'utf8')).to.equal('back\n');
    });

    it('keeps a named volume between containers', async function () {
      need(this, 'volumes');
      const binds = [{ source: `${tag}-volume`, target: '/data' }];
      await runToEnd({ binds }, 'sh', '-c', 'echo kept > /data/file');
      expect(await runToEnd({ binds }, 'cat', '/data/file')).to.include({ stdout: 'kept\n' });
      await client.removeVolume(`${tag}-volume`);
    });

    it('is killed with the signal asked for', async () => {
      const folder = shareFolder('kill');
      const name = newName();
      const script = `trap 'exit 9' USR1; touch /shared/ready; while :; do sleep 0.05; done`;
      const options = { binds: [{ source: folder, target: '/shared' }] };
      const running = execute(client.runCommand(name, options, shell(script)));
      await waitFor('the trap', () => fs.existsSync(path.join(folder, 'ready')));
      // It may be ready before its daemon has the answer to its start.
      await waitFor('its state', async () => (await client.state(name)) === 'running');
      await client.kill(name, 'USR1');
      expect(await running).to.include({ status: 9 });
    });

    it('attaches to a running container until its end', async function () {
      need(this, 'attach');
      const binds = [{ source: shareFolder('attach'), target: '/shared' }];
      const script = 'until [ -e /shared/end ]; do echo tick; usleep 50000; done; echo bye; exit 6';
      const name = await startDetached({ stdin: true, binds }, 'sh', '-c', script);
      let shown = '';
      const attached = execute(client.attachCommand(name), { onStdout: (text) => (shown = text) });
      await waitFor('a tick', () => shown.includes('tick'));
      fs.writeFileSync(path.join(shared, 'attach/end'), '');
      const { status, stdout } = await attached;
      expect(stdout).to.match(/tick\nbye\n+$/); // podman adds an empty line
      if (client.abilities.has('attach status')) expect(status).to.equal(6);
      await client.remove(name);
    });

    describe('in the background', () => {
      const counter = (): string => fs.readFileSync(path.join(shared, 'background/count'), 'utf8');
      let name: string;

      before(async () => {
        const binds = [{ source: shareFolder('background'), target: '/shared' }];
        const loop = 'while :; do i=$((i+1)); echo $i > /shared/count; usleep 20000; done';
        const script = `trap 'exit 5' TERM; echo to stdout; echo to stderr >&2; sleep ${seconds} & ${loop}`;
        name = await startDetached({ binds }, 'sh', '-c', script);
      });

      it('runs, and its output is kept', async function () {
        expect(await client.state(name)).to.equal('running');
        need(this, 'logs');
        const { stdout, stderr } = await waitFor('the lines', async () => {
          const logs = await client.logs(name);
          const text = logs.stdout + logs.stderr;
          return text.includes('to stdout\n') && text.includes('to stderr\n') && logs;
        });
        if (!client.abilities.has('separate log streams')) return;
        expect({ stdout, stderr }).to.deep.equal({ stdout: 'to stdout\n', stderr: 'to stderr\n' });
      });

      it('executes further commands: output, exit code, input', async () => {
        const script = 'echo out; echo err >&2; exit 9';
        const result = await execute(client.execCommand(name, {}, shell(script)));
        expect(result).to.include({ status: 9, stdout: 'out\n', stderr: 'err\n' });
        const cat = client.execCommand(name, { stdin: true }, ['cat']);
        const input = 'line\n'.repeat(20_000);
        expect((await execute(cat, { input })).stdout === input, 'input is echoed').to.equal(true);
      });

      it('executes in a terminal of its own', async () => {
        const script = 'tty; sleep 0.5; stty size; exit 4';
        const argv = client.execCommand(name, { terminal: true }, shell(script));
        const { stdout, status } = await inTerminal(argv, 33, 66);
        expect(stdout)
          .to.match(/\/dev\/pts\/\d/)
          .and.to.contain('33 66');
        expect(status).to.equal(4);
      });

      it('pauses and goes on', async function () {
        need(this, 'pause');
        await client.pause(name);
        expect(await client.state(name)).to.equal('paused');
        const count = counter();
        await new Promise((resolve) => setTimeout(resolve, 150));
        expect(counter()).to.equal(count);
        await client.resume(name);
        await waitFor('it to count', () => counter() !== count);
        expect(await client.state(name)).to.equal('running');
      });

      it('starts again with its files', async function () {
        need(this, 'restart');
        await runOk(...split(client.execCommand(name, {}, ['touch', '/mine'])));
        await client.restart(name);
        expect(await client.state(name)).to.equal('running');
        await runOk(...split(client.execCommand(name, {}, ['test', '-e', '/mine'])));
      });

      it('stops in good order', async function () {
        if (client.abilities.has('stop')) await client.stop(name, 10);
        else await client.kill(name, 'TERM');
        expect(await client.exitCode(name)).to.equal(5);
        await client.remove(name);
      });

      it('is killed when it does not stop', async function () {
        name = await startDetached({}, 'sleep', seconds);
        if (client.abilities.has('stop')) await client.stop(name, 0);
        else await client.kill(name, 'KILL');
        expect(await client.exitCode(name)).to.equal(137);
        await client.remove(name);
      });
    });
  });
}

function shell(script: string): string[] {
  return ['sh', '-c', script];
}

function split([file = '', ...args]: readonly string[]): [string, string[]] {
  return [file, args];
}

/** One shell word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Of each kind the lines that hold one of `marks`. */
function onlyMarked(state: MachineState, marks: readonly string[]): MachineState {
  const marked = (lines: string[]) =>
    lines.filter((line) => marks.some((mark) => line.includes(mark)));
  const { mounts, cgroups, namespaces, links, nft, processes, fifos } = state;
  return {
    mounts: marked(mounts),
    cgroups: marked(cgroups),
    namespaces: marked(namespaces),
    links: marked(links),
    nft: marked(nft),
    processes: marked(processes),
    fifos: marked(fifos),
  };
}
