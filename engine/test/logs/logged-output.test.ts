import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AT_FDCWD, mknodat, S_IFIFO } from '#lib/sys/file';
import { silentLogger } from '#lib/log/logger';
import type { OutputStream } from '../../src/daemon/output.ts';
import { FifoReadiness } from '../../src/logs/fifo-readiness.ts';
import type { RotationOptions } from '../../src/logs/file-options.ts';
import { jsonFormat } from '../../src/logs/json-format.ts';
import { LoggedOutput } from '../../src/logs/logged-output.ts';
import { readLogs } from '../../src/logs/read-logs.ts';

const unlimited: RotationOptions = { maxSizeBytes: Infinity, maxFiles: 1, compress: false };
const everything = {
  stdout: true,
  stderr: true,
  follow: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};

describe('LoggedOutput', () => {
  let folder: string;
  const readiness = new FifoReadiness();
  const outputs: LoggedOutput[] = [];

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'logged-output-'));
    makeFifos();
  });

  afterEach(async () => {
    for (const output of outputs.splice(0)) await output.close();
    fs.rmSync(folder, { recursive: true });
  });

  const file = (name: string) => path.join(folder, name);

  function makeFifos(): void {
    for (const name of ['stdout', 'stderr']) {
      fs.rmSync(file(name), { force: true });
      mknodat(AT_FDCWD, file(name), S_IFIFO | 0o600);
    }
  }

  function open(rotation = unlimited): LoggedOutput {
    const output = new LoggedOutput({
      stdio: { stdin: '', stdout: file('stdout'), stderr: file('stderr') },
      logPath: file('log'),
      rotation,
      encoder: jsonFormat.createEncoder({}),
      readiness,
      logger: silentLogger,
      onAppend: () => undefined,
    });
    outputs.push(output);
    return output;
  }

  /** A container's process: a shell whose output are the FIFOs. */
  function run(script: string) {
    return spawn('sh', ['-c', `exec >${file('stdout')} 2>${file('stderr')}; ${script}`]);
  }

  async function logged(): Promise<{ stream: OutputStream; text: string }[]> {
    const entries = [];
    for await (const batch of readLogs(
      { path: file('log'), format: jsonFormat },
      everything,
      new AbortController().signal,
    )) {
      for (const { stream, line } of batch) {
        entries.push({ stream, text: line.toString() });
      }
    }
    return entries;
  }

  it('takes back what was written for a task that never came to be', async () => {
    const first = open();
    await Promise.all([once(run('echo earlier'), 'exit'), first.finished]);
    makeFifos();
    const failed = open();
    await Promise.all([once(run('echo complaint >&2'), 'exit'), failed.finished]);
    await failed.discard();
    expect(await logged()).to.deep.equal([{ stream: 'stdout', text: 'earlier\n' }]);
    makeFifos();
    const last = open();
    await Promise.all([once(run('echo later'), 'exit'), last.finished]);
    expect((await logged()).map(({ text }) => text)).to.deep.equal(['earlier\n', 'later\n']);
  });

  it('writes lines as docker does, and an unfinished one at the end', async () => {
    const output = open();
    run(String.raw`printf 'a "b" <c>\\\n\tend'; printf 'x\n' >&2`);
    await output.finished;
    const lines = fs.readFileSync(file('log'), 'utf8').trimEnd().split('\n').sort();
    expect(lines.map((line) => line.replace(/"time":".*"/, '"time":"T"'))).to.deep.equal([
      String.raw`{"log":"\u0009end","stream":"stdout","time":"T"}`,
      String.raw`{"log":"a \"b\" \u003cc\u003e\\\n","stream":"stdout","time":"T"}`,
      String.raw`{"log":"x\n","stream":"stderr","time":"T"}`,
    ]);
    expect(lines[0]).to.match(/"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"/);
  });

  it('splits lines of more than 16 KiB', async () => {
    const output = open();
    run(`head -c 40000 /dev/zero | tr '\\0' x; echo; echo next`);
    await output.finished;
    const entries = await logged();
    expect(entries.map(({ text }) => text.length)).to.deep.equal([16384, 16384, 7233, 5]);
    expect(entries[2]?.text.endsWith('\n')).to.be.true;
  });

  it('gives subscribers the bytes at once, unfinished lines included', async () => {
    const output = open();
    const seen: string[] = [];
    output.subscribe({
      write: (stream, chunk) => {
        seen.push(`${stream} ${chunk.toString()}`);
        return undefined;
      },
      end: () => seen.push('end'),
    });
    const container = run(`printf 'prompt> '; read answer; echo "$answer"`);
    while (seen.length === 0) await sleep(5);
    expect(seen).to.deep.equal(['stdout prompt> ']);
    expect(await logged()).to.deep.equal([]);
    container.stdin.write('yes\n');
    await output.finished;
    expect(seen).to.deep.equal(['stdout prompt> ', 'stdout yes\n', 'end']);
    expect(await logged()).to.deep.equal([{ stream: 'stdout', text: 'prompt> yes\n' }]);
  });

  it('stops reading while a subscriber is not done', async () => {
    const output = open();
    let release: () => void = () => undefined;
    let received = 0;
    output.subscribe({
      write: (_stream, chunk) => {
        received += chunk.length;
        return new Promise((resolve) => (release = resolve));
      },
      end: () => undefined,
    });
    const container = run('head -c 2000000 /dev/zero | tr "\\0" "\\n"');
    await sleep(300);
    expect(container.exitCode).to.equal(null);
    expect(received).to.be.within(1, 256 * 1024);
    const timer = setInterval(() => release(), 1);
    await output.finished;
    clearInterval(timer);
    expect(received).to.equal(2000000);
  });

  it('rotates at its size and keeps so many files', async () => {
    const output = open({ maxSizeBytes: 10_000, maxFiles: 3, compress: false });
    run('i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done');
    await output.finished;
    const names = fs.readdirSync(folder).filter((name) => /^log(\.\d)?$/.test(name));
    expect(names).to.have.members(['log', 'log.1', 'log.2']);
    expect(fs.statSync(file('log.1')).size).to.be.within(10_000, 10_100);
    const texts = (await logged()).map(({ text }) => text);
    const first = Number(/\d+/.exec(texts[0] ?? '')?.[0]);
    expect(texts).to.deep.equal(
      Array.from({ length: 1000 - first }, (_, index) => `line ${first + index}\n`),
    );
  });

  it('takes what is there and ends the line when it is closed', async () => {
    const output = open();
    const seen: string[] = [];
    output.subscribe({
      write: (_stream, chunk) => {
        seen.push(chunk.toString());
        return undefined;
      },
      end: () => seen.push('end'),
    });
    const descendant = fs.openSync(file('stdout'), 'r+');
    fs.writeSync(descendant, 'unfinished'); // close() comes before the event loop could carry it
    await output.close();
    fs.closeSync(descendant);
    expect(seen).to.deep.equal(['unfinished', 'end']);
    expect((await logged()).map(({ text }) => text)).to.deep.equal(['unfinished']);
  });

  it('ends the unfinished line of a run whose engine was killed before the next run', async () => {
    const script = path.join(import.meta.dirname, 'pump-process.ts');
    const engine = spawn(process.execPath, [script, folder, 'Infinity']);
    await once(engine.stdout, 'data');
    const first = run('printf unfinished; read go');
    while (fs.statSync(file('log.stdout')).size === 0) await sleep(5);
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    first.stdin.end('\n');
    makeFifos();
    const next = open();
    run('echo next');
    await next.finished;
    expect((await logged()).map(({ text }) => text)).to.deep.equal(['unfinished', 'next\n']);
  });
});
