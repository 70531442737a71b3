import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { LogSelection } from '../../src/daemon/container-logs.ts';
import { formatEntries } from '../../src/logs/json-entries.ts';
import { JsonLogFile, parseRotation } from '../../src/logs/json-log-file.ts';
import { readLogs, type LogGrowth } from '../../src/logs/read-logs.ts';

const everything: LogSelection = {
  stdout: true,
  stderr: true,
  follow: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};

describe('readLogs', () => {
  let folder: string;
  let log: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'read-logs-'));
    log = path.join(folder, 'log');
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const entry = (index: number, stream: 'stdout' | 'stderr' = 'stdout') =>
    formatEntries(
      Buffer.from(`line ${index}\n`),
      stream,
      new Date(index * 1000).toISOString().replace('000Z', '000000000Z'),
    );

  async function read(selection: Partial<LogSelection>): Promise<string[]> {
    const found: string[] = [];
    const entries = readLogs(log, { ...everything, ...selection }, new AbortController().signal);
    for await (const batch of entries) {
      for (const { line } of batch) found.push(line.toString().trimEnd());
    }
    return found;
  }

  const numbers = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const lines = (first: number, last: number) => numbers(first, last).map((n) => `line ${n}`);

  it('is empty without a log', async () => {
    expect(await read({})).to.deep.equal([]);
    expect(await read({ tail: 5 })).to.deep.equal([]);
  });

  it('finds the last lines across rotated files', async () => {
    const write = (name: string, first: number, last: number) =>
      fs.writeFileSync(
        name,
        numbers(first, last)
          .map((n) => entry(n))
          .join(''),
      );
    write(`${log}.2`, 1, 10);
    write(`${log}.1`, 11, 3000);
    write(log, 3001, 3005);
    expect(await read({})).to.deep.equal(lines(1, 3005));
    for (const tail of [0, 1, 4, 5, 6, 2994, 2995, 2996, 3004, 3005, 9999]) {
      expect(await read({ tail }), `tail ${tail}`).to.deep.equal(
        tail === 0 ? [] : lines(Math.max(1, 3006 - tail), 3005),
      );
    }
  });

  it('gives no more than the last lines when more are appended while it reads', async () => {
    const text = (first: number, last: number) =>
      numbers(first, last)
        .map((n) => entry(n))
        .join('');
    fs.writeFileSync(log, text(1, 3000)); // the last 2000 are more than it reads at once
    const found: string[] = [];
    const selection = { ...everything, tail: 2000 };
    let batches = 0;
    for await (const batch of readLogs(log, selection, new AbortController().signal)) {
      if (batches++ === 0) fs.appendFileSync(log, text(3001, 4000));
      for (const { line } of batch) found.push(line.toString().trimEnd());
    }
    expect(batches).to.be.above(1);
    expect(found).to.deep.equal(lines(1001, 3000));
  });

  it('selects by stream and time', async () => {
    fs.writeFileSync(log, [entry(1), entry(2, 'stderr'), entry(3), entry(4)].join(''));
    expect(await read({ stderr: false })).to.deep.equal(['line 1', 'line 3', 'line 4']);
    expect(await read({ since: 2_000_000_000n, until: 3_000_000_000n })).to.deep.equal([
      'line 2',
      'line 3',
    ]);
  });

  it('passes over a line that is no entry', async () => {
    fs.writeFileSync(log, `${entry(1)}\0\0\0\n{"log":\n${entry(2)}`);
    expect(await read({})).to.deep.equal(['line 1', 'line 2']);
  });

  for (const maxFiles of ['1', '3']) {
    it(`follows a log that grows and rotates (max-file ${maxFiles})`, async () => {
      const file = new JsonLogFile(log, parseRotation({ 'max-size': '1k', 'max-file': maxFiles }));
      const growth = new TestGrowth();
      const reading = (async () => {
        const found: string[] = [];
        const selection = { ...everything, follow: true };
        for await (const batch of readLogs(log, selection, growth.reader.signal, growth)) {
          for (const { line } of batch) {
            found.push(line.toString().trimEnd());
            growth.read++;
          }
        }
        return found;
      })();
      for (const index of numbers(1, 100)) {
        if (file.isFull) file.rotate();
        file.append(entry(index));
        growth.announce();
        // A file that is begun anew loses what nobody has read: let the reader keep up.
        while (growth.read < index) await new Promise(setImmediate);
      }
      growth.isActive = false;
      growth.announce();
      expect(await reading).to.deep.equal(lines(1, 100));
      file.close();
    });
  }

  it('stops following when nobody is interested any more', async () => {
    fs.writeFileSync(log, entry(1));
    const growth = new TestGrowth();
    const found: string[] = [];
    for await (const batch of readLogs(
      log,
      { ...everything, follow: true },
      growth.reader.signal,
      growth,
    )) {
      for (const { line } of batch) {
        found.push(line.toString());
        setImmediate(() => growth.reader.abort());
      }
    }
    expect(found).to.deep.equal(['line 1\n']);
  });
});

describe('parseRotation', () => {
  it("reads docker's options", () => {
    expect(parseRotation({})).to.deep.equal({ maxSizeBytes: Infinity, maxFiles: 1 });
    expect(parseRotation({ 'max-size': '10m', 'max-file': '3' })).to.deep.equal({
      maxSizeBytes: 10485760,
      maxFiles: 3,
    });
  });

  it('names what it does not understand', () => {
    expect(() => parseRotation({ 'max-size': 'ten' })).to.throw('"max-size": "ten"');
    expect(() => parseRotation({ 'max-size': '1k', 'max-file': '0' })).to.throw('"max-file": "0"');
    expect(() => parseRotation({ 'max-file': '2' })).to.throw('needs "max-size"');
  });
});

class TestGrowth implements LogGrowth {
  isActive = true;
  version = 0;
  read = 0;
  readonly reader = new AbortController();
  #wake: () => void = () => undefined;

  announce(): void {
    this.version++;
    this.#wake();
  }

  async next(seen: number, signal: AbortSignal): Promise<void> {
    if (this.version !== seen || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
