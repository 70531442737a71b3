import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { expect } from 'chai';
import type { LogSelection } from '../../src/daemon/container-logs.ts';
import { compressRotated } from '../../src/logs/compress-rotated.ts';
import { jsonFileRotation, localRotation } from '../../src/logs/file-options.ts';
import { jsonFormat } from '../../src/logs/json-format.ts';
import { localFormat } from '../../src/logs/local-format.ts';
import { LogFile } from '../../src/logs/log-file.ts';
import type { LogGrowth } from '../../src/logs/log-files.ts';
import { readLogs } from '../../src/logs/read-logs.ts';

const everything: LogSelection = {
  stdout: true,
  stderr: true,
  follow: false,
  since: undefined,
  until: undefined,
  tail: undefined,
};

for (const [name, format] of Object.entries({ json: jsonFormat, local: localFormat })) {
  describe(`readLogs of ${name}`, () => {
    let folder: string;
    let log: string;

    beforeEach(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'read-logs-'));
      log = path.join(folder, 'log');
    });
    afterEach(() => fs.rmSync(folder, { recursive: true }));

    const entry = (index: number, stream: 'stdout' | 'stderr' = 'stdout') =>
      Buffer.from(
        format
          .createEncoder({})
          .encode(Buffer.from(`line ${index}\n`), stream, { seconds: index, nanos: 0 }).entries,
      );
    const joined = (first: number, last: number) =>
      Buffer.concat(numbers(first, last).map((n) => entry(n)));

    async function read(selection: Partial<LogSelection>): Promise<string[]> {
      const found: string[] = [];
      const entries = readLogs(
        { path: log, format },
        { ...everything, ...selection },
        new AbortController().signal,
      );
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
      fs.writeFileSync(`${log}.2.gz`, zlib.gzipSync(joined(1, 10)));
      fs.writeFileSync(`${log}.1`, joined(11, 3000));
      fs.writeFileSync(log, joined(3001, 3005));
      expect(await read({})).to.deep.equal(lines(1, 3005));
      for (const tail of [0, 1, 4, 5, 6, 2994, 2995, 2996, 3004, 3005, 9999]) {
        expect(await read({ tail }), `tail ${tail}`).to.deep.equal(
          tail === 0 ? [] : lines(Math.max(1, 3006 - tail), 3005),
        );
      }
    });

    it('gives no more than the last lines when more are appended while it reads', async () => {
      fs.writeFileSync(log, joined(1, 20000)); // the last 10000 are more than it reads at once
      const found: string[] = [];
      const selection = { ...everything, tail: 10000 };
      let batches = 0;
      for await (const batch of readLogs(
        { path: log, format },
        selection,
        new AbortController().signal,
      )) {
        if (batches++ === 0) fs.appendFileSync(log, joined(20001, 21000));
        for (const { line } of batch) found.push(line.toString().trimEnd());
      }
      expect(batches).to.be.above(1);
      expect(found).to.deep.equal(lines(10001, 20000));
    });

    it('selects by stream and time', async () => {
      fs.writeFileSync(log, Buffer.concat([entry(1), entry(2, 'stderr'), entry(3), entry(4)]));
      expect(await read({ stderr: false })).to.deep.equal(['line 1', 'line 3', 'line 4']);
      expect(await read({ since: 2_000_000_000n, until: 3_000_000_000n })).to.deep.equal([
        'line 2',
        'line 3',
      ]);
    });

    it('leaves out files that ended too early', async () => {
      fs.writeFileSync(`${log}.1`, 'nothing that could be read');
      fs.utimesSync(`${log}.1`, 5, 5);
      fs.writeFileSync(log, joined(8, 10));
      expect(await read({ since: 9_000_000_000n })).to.deep.equal(['line 9', 'line 10']);
    });

    for (const options of [
      { 'max-size': '1k', 'max-file': '1', compress: 'false' },
      { 'max-size': '1k', 'max-file': '3', compress: 'false' },
      { 'max-size': '1k', 'max-file': '3', compress: 'true' },
    ]) {
      it(`follows a log that grows and rotates (${Object.values(options).join(', ')})`, async () => {
        const file = new LogFile(log, localRotation(options));
        const growth = new TestGrowth(file);
        const reading = (async () => {
          const found: string[] = [];
          const selection = { ...everything, follow: true };
          for await (const batch of readLogs(
            { path: log, format, growth },
            selection,
            growth.reader.signal,
          )) {
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
          // Files that are given up take along what nobody has read: let the reader keep up within three of them.
          while (growth.read < index - 20) await new Promise(setImmediate);
          if (options['max-file'] === '1')
            while (growth.read < index) await new Promise(setImmediate);
        }
        growth.isActive = false;
        growth.announce();
        expect(await reading).to.deep.equal(lines(1, 100));
        file.close();
        await compressRotated(log);
        const left = fs.readdirSync(folder).sort();
        if (options.compress === 'true')
          expect(left).to.deep.equal(['log', 'log.1.gz', 'log.2.gz']);
        expect((await read({})).at(-1)).to.equal('line 100');
        if (options['max-file'] === '1') return;
        expect(await read({ tail: 30 })).to.deep.equal(lines(71, 100));
      });
    }

    it('reads on past a number that a SIGKILL amid a rotation has left free, which the next one fills', async () => {
      fs.writeFileSync(`${log}.3`, joined(1, 2));
      fs.writeFileSync(`${log}.1`, joined(3, 4));
      fs.writeFileSync(log, joined(5, 6));
      expect(await read({})).to.deep.equal(lines(1, 6));
      const file = new LogFile(log, { maxSizeBytes: 1, maxFiles: 9, compress: false });
      file.rotate();
      file.append(entry(7));
      file.close();
      expect(fs.readdirSync(folder).sort()).to.deep.equal(['log', 'log.1', 'log.2', 'log.3']);
      expect(await read({})).to.deep.equal(lines(1, 7));
    });

    it('stops following when nobody is interested any more', async () => {
      fs.writeFileSync(log, entry(1));
      const growth = new TestGrowth();
      const found: string[] = [];
      const location = { path: log, format, growth };
      const selection = { ...everything, follow: true };
      for await (const batch of readLogs(location, selection, growth.reader.signal)) {
        for (const { line } of batch) {
          found.push(line.toString());
          setImmediate(() => growth.reader.abort());
        }
      }
      expect(found).to.deep.equal(['line 1\n']);
    });
  });
}

describe('jsonFileRotation', () => {
  it("reads docker's options", () => {
    expect(jsonFileRotation({})).to.deep.equal({
      maxSizeBytes: Infinity,
      maxFiles: 1,
      compress: false,
    });
    expect(
      jsonFileRotation({ 'max-size': '10m', 'max-file': '3', compress: 'true' }),
    ).to.deep.equal({
      maxSizeBytes: 10_000_000,
      maxFiles: 3,
      compress: true,
    });
  });

  it('names what it does not understand', () => {
    expect(() => jsonFileRotation({ 'max-size': 'ten' })).to.throw("invalid size: 'ten'");
    expect(() => jsonFileRotation({ 'max-size': '0' })).to.throw('must be a positive number');
    expect(() => jsonFileRotation({ 'max-file': '0' })).to.throw('max-file cannot be less than 1');
    expect(() => jsonFileRotation({ compress: 'maybe' })).to.throw(
      'parsing "maybe": invalid syntax',
    );
    expect(() => jsonFileRotation({ compress: 'true' })).to.throw('compress cannot be true when');
  });
});

class TestGrowth implements LogGrowth {
  isActive = true;
  version = 0;
  read = 0;
  readonly reader = new AbortController();
  readonly #file: LogFile | undefined;
  #wake: () => void = () => undefined;

  constructor(file?: LogFile) {
    this.#file = file;
  }

  get rotations(): number {
    return this.#file?.rotations ?? 0;
  }

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
