import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { AT_FDCWD, mknodat, S_IFIFO } from '#lib/sys/file';
import type { OutputStream } from '../../src/daemon/output.ts';
import { jsonFormat } from '../../src/logs/json-format.ts';
import { localFormat } from '../../src/logs/local-format.ts';
import { readLogs } from '../../src/logs/read-logs.ts';

const batches = 60;
const linesPerBatch = 2000;
const lines = batches * linesPerBatch;
const kills = 20;

/** Counts in bursts, so that there is something to read at most moments and the whole takes some seconds. */
const count = `i=0; while [ $i -lt ${lines} ]; do
  end=$((i+${linesPerBatch})); while [ $i -lt $end ]; do echo "line $i"; i=$((i+1)); done; sleep 0.05; done`;

describe('a log whose writer is killed again and again', function () {
  this.timeout(240_000);

  for (const [format, maxSize] of [
    ['json', 'Infinity'],
    ['json', '100000'],
    ['local', '100000'],
  ] as const) {
    it(`has every line once (${format}, max-size ${maxSize})`, async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'log-crash-'));
      const started: ChildProcess[] = [];
      try {
        const fifos = ['stdout', 'stderr'].map((name) => path.join(folder, name));
        for (const fifo of fifos) mknodat(AT_FDCWD, fifo, S_IFIFO | 0o600);
        // As a shim: both ends of each FIFO, so that what is unread survives.
        const held = fifos.map((fifo) => fs.openSync(fifo, 'r+'));
        const [stdout = '', stderr = ''] = fifos;
        const container = spawn('sh', [
          '-c',
          `(${count}) >${stdout} & (${count}) >${stderr}; wait`,
        ]);
        started.push(container);
        const exited = once(container, 'exit');
        for (let kill = 0; kill < kills; kill++) {
          const pump = startPump(folder, maxSize, format);
          started.push(pump);
          await once(pump.stdout!, 'data');
          await sleep(Math.random() * 60);
          pump.kill('SIGKILL');
          await once(pump, 'exit');
        }
        const last = startPump(folder, maxSize, format);
        started.push(last);
        await once(last.stdout!, 'data');
        await exited;
        for (const fd of held) fs.closeSync(fd);
        await once(last, 'exit');
        const expected = Array.from({ length: lines }, (_, index) => `line ${index}\n`);
        const found = await readAll(path.join(folder, 'log'), format);
        for (const texts of [found.stdout, found.stderr]) {
          const wrong = texts.findIndex((text, index) => text !== expected[index]);
          if (wrong >= 0) {
            const around = (list: string[]) => list.slice(wrong, wrong + 3);
            expect(around(texts), `from entry ${wrong}`).to.deep.equal(around(expected));
          }
          expect(texts).to.have.lengthOf(lines);
        }
      } finally {
        for (const child of started) child.kill('SIGKILL');
        fs.rmSync(folder, { recursive: true });
      }
    });
  }
});

function startPump(folder: string, maxSize: string, format: string): ChildProcess {
  const script = path.join(import.meta.dirname, 'pump-process.ts');
  return spawn(process.execPath, [script, folder, maxSize, format], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function readAll(
  log: string,
  format: 'json' | 'local',
): Promise<Record<OutputStream, string[]>> {
  const found = { stdout: [] as string[], stderr: [] as string[] };
  const everything = {
    stdout: true,
    stderr: true,
    follow: false,
    since: undefined,
    until: undefined,
    tail: undefined,
  };
  const location = { path: log, format: format === 'json' ? jsonFormat : localFormat };
  for await (const batch of readLogs(location, everything, new AbortController().signal)) {
    for (const { stream, line } of batch) {
      found[stream].push(line.toString());
    }
  }
  return found;
}
