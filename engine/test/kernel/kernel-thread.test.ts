import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { silentLogger } from '#lib/log/logger';
import { errorCode, isStackError } from '#spec/errors';
import { KernelThread } from '../../src/kernel/kernel-thread.ts';

/** A thread that ends at removeTree, fails at removeLink, and answers everything else with its thread id. */
const threadSource = `
const { parentPort, threadId } = require('node:worker_threads');
parentPort.on('message', ({ id, operation, argument }) => {
  if (operation === 'removeTree') process.exit(1);
  if (operation === 'removeLink')
    parentPort.postMessage({ id, error: { message: argument.name, kind: 'not_found', code: 'ENODEV' } });
  else parentPort.postMessage({ id, result: threadId });
});`;

describe('KernelThread', () => {
  let folder: string;
  let thread: KernelThread;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kernel-thread-'));
    fs.writeFileSync(path.join(folder, 'worker.cjs'), threadSource);
    thread = new KernelThread(silentLogger, path.join(folder, 'worker.cjs'));
  });

  afterEach(async () => {
    await thread.close();
    fs.rmSync(folder, { recursive: true });
  });

  it('throws what the operation threw, with kind and code', async () => {
    const error = await failureOf(thread.call('removeLink', { name: 'no such link' }));
    expect(isStackError(error, 'not_found')).to.be.true;
    expect(errorCode(error)).to.equal('ENODEV');
    expect(String(error)).to.contain('no such link');
  });

  it('fails what a lost thread had not answered, and starts another', async () => {
    const first = await thread.call('hasLegacyFilter');
    const error = await failureOf(thread.call('removeTree', { path: '/nowhere' }));
    expect(isStackError(error, 'unavailable')).to.be.true;
    expect(await thread.call('hasLegacyFilter')).not.to.equal(first);
  });

  it('refuses calls after its end', async () => {
    await thread.close();
    expect(isStackError(await failureOf(thread.call('hasLegacyFilter')), 'unavailable')).to.be.true;
  });
});

describe('HomeNamespace', () => {
  it('says when the thread cannot get home', async function () {
    if (process.getuid?.() !== 0) return this.skip(); // needs root: unshare(CLONE_NEWNET)
    // A thread of its own, because it stays in the foreign namespace until it ends.
    const worker = new Worker(new URL('lost-thread.ts', import.meta.url));
    const said = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    expect(said).to.deep.equal({
      name: 'LostThreadError',
      cause: 'setns: EBADF',
      before: fs.readlinkSync('/proc/self/ns/net'),
      moved: true,
    });
  });
});

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  );
}
