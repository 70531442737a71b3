import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '#lib/log/logger';
import { StandbyShims } from '../../src/tasks/standby-shims.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

describe('StandbyShims', () => {
  const folder = useTemporaryFolder();
  const bundle = { namespace: 'ns', id: 'web', path: '/bundle' };
  const pools: StandbyShims[] = [];
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });

  /** A pool of shell scripts: descriptor 3 is the socket. Each notes its pid. */
  function createPool(script: string, size: number, recycled = 2) {
    const shimPath = path.join(folder(), 'shim');
    const started = path.join(folder(), 'started');
    fs.writeFileSync(started, '');
    fs.writeFileSync(shimPath, `#!/bin/sh\necho $$ >> ${started}\n${script}`, { mode: 0o755 });
    const pool = new StandbyShims({
      shimPath,
      size,
      recycled,
      trimDelayMs: 100,
      environment: { address: '/a.sock', publishBinary: '/bin/publish', debug: false },
      log: createLogger('test', 'fatal'),
    });
    pools.push(pool);
    const pids = () => fs.readFileSync(started, 'utf8').split('\n').filter(Boolean).map(Number);
    return { pool, shimPath, pids };
  }

  const answer = (text: string) => `read -r line <&3; echo "$line" > $0.line; echo '${text}' >&3`;

  it('hands the bundle to one that stands by and returns its address', async () => {
    const { pool, shimPath } = createPool(answer('{"address":"unix:///run/x"}'), 1);
    pool.fill();
    expect(await pool.take(shimPath, bundle)).to.deep.equal({
      version: 2,
      address: 'unix:///run/x',
      protocol: 'ttrpc',
    });
    expect(JSON.parse(fs.readFileSync(`${shimPath}.line`, 'utf8'))).to.deep.equal({
      namespace: 'ns',
      id: 'web',
      bundle: '/bundle',
      options: '',
    });
  });

  it('starts one where none stands by', async () => {
    const { pool, shimPath, pids } = createPool(answer('{"address":"unix:///run/x"}'), 1);
    expect(await pool.take(shimPath, bundle)).not.to.equal(undefined);
    expect(pids()).to.have.length(1);
  });

  /** Serves one bundle after the other, and says between them that it is free. Ends with the test's folder. */
  const serveForever = `while read -r line <&3; do
    echo '{"address":"unix:///run/x"}' >&3
    until [ -e $0.gone ]; do [ -e $0 ] || exit; sleep 0.01; done; rm $0.gone
    echo '{"free":true}' >&3; touch $0.free
  done`;

  async function endTask(shimPath: string): Promise<void> {
    fs.writeFileSync(`${shimPath}.gone`, '');
    while (!fs.existsSync(`${shimPath}.free`)) await delay(5);
    fs.rmSync(`${shimPath}.free`);
    await delay(5); // the line is read by then
  }

  it('hands out again what is free', async () => {
    const { pool, shimPath, pids } = createPool(serveForever, 1);
    pool.fill();
    for (let round = 0; round < 3; round++) {
      expect(await pool.take(shimPath, bundle)).not.to.equal(undefined);
      await endTask(shimPath);
    }
    expect(pids()).to.have.length(1);
  });

  it('does not take back what it has given up', async () => {
    const { pool, shimPath, pids } = createPool(`trap '' PIPE\n${serveForever}`, 1);
    await pool.take(shimPath, bundle);
    pool.giveUp(bundle);
    await endTask(shimPath);
    await pool.take(shimPath, { ...bundle, id: 'other' });
    expect(pids()).to.have.length(2);
  });

  it('ends those above its size that wait for long', async () => {
    const { pool, shimPath, pids } = createPool(serveForever, 1);
    await Promise.all([
      pool.take(shimPath, { ...bundle, id: 'a' }),
      pool.take(shimPath, { ...bundle, id: 'b' }),
    ]);
    const living = () => pids().filter((pid) => fs.existsSync(`/proc/${pid}`)).length;
    expect(living()).to.equal(2);
    await endTask(shimPath);
    await endTask(shimPath);
    while (living() > 1) await delay(5);
    await delay(50);
    expect(living()).to.equal(1);
  });

  it('takes nothing back where recycling is off', async () => {
    const { pool, shimPath, pids } = createPool(serveForever, 1, 0);
    await pool.take(shimPath, bundle);
    fs.writeFileSync(`${shimPath}.gone`, '');
    while (pids().some((pid) => fs.existsSync(`/proc/${pid}`))) await delay(5);
    await pool.take(shimPath, bundle);
    expect(pids()).to.have.length(2);
  });

  it('gives none for another shim', async () => {
    const { pool } = createPool(answer('{"address":"unix:///run/x"}'), 1);
    pool.fill();
    expect(await pool.take('/usr/bin/containerd-shim-runc-v2', bundle)).to.equal(undefined);
  });

  it('starts nothing where it is off', async () => {
    const { pool, shimPath, pids } = createPool('', 0);
    pool.fill();
    expect(await pool.take(shimPath, bundle)).to.equal(undefined);
    expect(pids()).to.deep.equal([]);
  });

  for (const [name, script] of [
    ['reports an error', `${answer('{"error":"no such bundle"}')}; exec 3>&-; exec sleep 100`],
    ['answers something else', `${answer('what?')}; exec 3>&-; exec sleep 100`],
    ['ends', 'exit 1'],
  ] as const) {
    it(`gives none where the standby ${name}, and leaves no process`, async () => {
      const { pool, shimPath, pids } = createPool(script, 1);
      pool.fill();
      expect(await pool.take(shimPath, bundle)).to.equal(undefined);
      expect(pids().filter((pid) => fs.existsSync(`/proc/${pid}`))).to.deep.equal([]);
    });
  }

  it('gives none where the shim cannot be started', async () => {
    const { pool, shimPath } = createPool('', 1);
    fs.rmSync(shimPath);
    pool.fill();
    expect(await pool.take(shimPath, bundle)).to.equal(undefined);
  });
});
