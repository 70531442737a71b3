import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
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
  function createPool(script: string, size: number) {
    const shimPath = path.join(folder(), 'shim');
    const started = path.join(folder(), 'started');
    fs.writeFileSync(started, '');
    fs.writeFileSync(shimPath, `#!/bin/sh\necho $$ >> ${started}\n${script}`, { mode: 0o755 });
    const pool = new StandbyShims({
      shimPath,
      size,
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
    expect(await pool.take(shimPath, bundle)).to.equal(undefined); // it was the only one
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
