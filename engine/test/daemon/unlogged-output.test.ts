import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { ClientStream } from '../../src/daemon/stream-frames.ts';
import { UnloggedOutput } from '../../src/daemon/unlogged-output.ts';

const mebibyte = 1024 * 1024;

describe('UnloggedOutput', () => {
  let folder: string;
  let stdout: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'output-'));
    stdout = path.join(folder, 'stdout');
    execFileSync('mkfifo', [stdout]);
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  it('closes while a subscriber still holds the output back', async () => {
    const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
    const taken = new Promise<string>((resolve) => {
      output.subscribe({
        write: (_stream, chunk) => {
          resolve(chunk.toString());
          return new Promise(() => undefined);
        },
        end: () => undefined,
      });
    });
    fs.writeFileSync(stdout, 'never taken');
    expect(await taken).to.equal('never taken');
    await output.close();
  });

  /** A connection as a client has it, and how engined writes to it. */
  async function connect(tty: boolean): Promise<{ peer: net.Socket; client: ClientStream }> {
    const server = net.createServer({ allowHalfOpen: true }).listen(path.join(folder, 'socket'));
    const accepted = once(server, 'connection') as Promise<[net.Socket]>;
    const peer = net.connect(path.join(folder, 'socket'));
    const [connection] = await accepted;
    connection.on('error', () => undefined);
    connection.resume();
    server.close();
    return { peer, client: new ClientStream(connection, { tty, stdout: true, stderr: true }) };
  }

  /** Writes numbers, in pieces of all sizes, and returns what they are. */
  function produce(bytes: number): string {
    const file = path.join(folder, 'produced');
    const numbers = Buffer.from(
      Uint32Array.from({ length: bytes / 4 }, (_, index) => index).buffer,
    );
    fs.writeFileSync(file, numbers);
    spawn('sh', ['-c', 'cat "$1" >"$0"', stdout, file]);
    return createHash('sha256').update(numbers).digest('hex');
  }

  /** All that comes, without its frames unless `raw`; slowly when told to. */
  async function receive(peer: net.Socket, raw: boolean, pauseMs = 0): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of peer) {
      chunks.push(chunk as Buffer);
      if (pauseMs > 0 && chunks.length % 16 === 0) await delay(pauseMs);
    }
    const all = Buffer.concat(chunks);
    const hash = createHash('sha256');
    if (raw) return hash.update(all).digest('hex');
    for (let at = 0; at < all.length;) {
      expect(all.readUInt32BE(at)).to.equal(0x1000000);
      const end = at + 8 + all.readUInt32BE(at + 4);
      hash.update(all.subarray(at + 8, end));
      at = end;
    }
    return hash.digest('hex');
  }

  for (const tty of [false, true]) {
    it(`brings all of much output to a client, ${tty ? 'raw' : 'in frames'}`, async () => {
      const { peer, client } = await connect(tty);
      const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
      let written = 0;
      output.subscribe({
        write: (stream, chunk) => {
          written += chunk.length;
          return client.write(stream, chunk);
        },
        connection: (stream) => client.connection(stream),
        end: () => client.end(),
      });
      const produced = produce(4 * mebibyte);
      expect(await receive(peer, tty)).to.equal(produced);
      await output.finished;
      expect(written, 'what was not moved by the kernel').to.be.lessThan(2 * mebibyte);
    });
  }

  it('brings all of it to a client that is slow', async () => {
    const { peer, client } = await connect(false);
    const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
    output.subscribe(client);
    const produced = produce(4 * mebibyte);
    expect(await receive(peer, false, 2)).to.equal(produced);
  });

  it('brings all of it to each of two clients, of which one comes in the middle', async () => {
    const first = await connect(true);
    const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
    output.subscribe(first.client);
    const produced = produce(4 * mebibyte);
    const received = receive(first.peer, true);
    await once(first.peer, 'data');
    const counted = { length: 0, ended: false };
    output.subscribe({
      write: (_stream, chunk) => void (counted.length += chunk.length),
      end: () => (counted.ended = true),
    });
    expect(await received).to.equal(produced);
    expect(counted.ended).to.equal(true);
    expect(counted.length).to.be.greaterThan(0);
  });

  it('goes on to the end without a client that leaves in the middle', async () => {
    const { peer, client } = await connect(false);
    const output = new UnloggedOutput({ stdin: '', stdout, stderr: '' });
    output.subscribe(client);
    produce(4 * mebibyte);
    await once(peer, 'data');
    peer.destroy();
    await output.finished;
  });
});
