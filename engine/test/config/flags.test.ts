import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { parseFlags } from '../../src/config/flags.ts';
import { parseListenAddress } from '../../src/http/listener.ts';

describe('parseFlags', () => {
  it('has the defaults of the design', () => {
    const options = parseFlags([]);
    expect(options.hosts).to.deep.equal(['unix:///run/engine/engine.sock']);
    expect([options.dataRoot, options.execRoot]).to.deep.equal(['/var/lib/engine', '/run/engine']);
  });

  it('takes repeated flags and runtimes', () => {
    const options = parseFlags([
      '-H',
      'unix:///a',
      '-H',
      'tcp://127.0.0.1:1',
      '--add-runtime',
      'x=/y',
      '-D',
    ]);
    expect(options.hosts).to.have.length(2);
    expect(options.runtimes).to.deep.equal({ x: '/y' });
    expect(options.logLevel).to.equal('debug');
  });

  it('refuses what dockerd has and this engine has not, and what nobody has', () => {
    expect(() => parseFlags(['--tlsverify'])).to.throw(
      StackError,
      '--tlsverify is not implemented',
    );
    expect(() => parseFlags(['--nope'])).to.throw(StackError, "unknown option '--nope'");
    expect(() => parseFlags(['--add-runtime', 'x'])).to.throw(StackError, 'is not name=path');
  });

  it('reads the config file, and refuses to be told twice', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'engine-flags-'));
    const file = path.join(folder, 'engine.json');
    try {
      fs.writeFileSync(file, '{"hosts":["unix:///b"],"runtimes":{"r":{"path":"/r"}},"debug":true}');
      const options = parseFlags(['--config-file', file]);
      expect([options.hosts, options.runtimes]).to.deep.equal([['unix:///b'], { r: '/r' }]);
      expect(() => parseFlags(['--config-file', file, '-H', 'unix:///c'])).to.throw(
        StackError,
        '"hosts" is given as a flag and in the config file',
      );
      fs.writeFileSync(file, '{"colour":"red"}');
      expect(() => parseFlags(['--config-file', file])).to.throw(
        StackError,
        'unknown key "colour"',
      );
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});

describe('parseListenAddress', () => {
  it('reads unix and tcp addresses', () => {
    expect(parseListenAddress('unix:///run/x.sock')).to.deep.equal({
      kind: 'unix',
      path: '/run/x.sock',
    });
    expect(parseListenAddress('tcp://[::1]:2375')).to.deep.equal({
      kind: 'tcp',
      host: '::1',
      port: 2375,
    });
    for (const text of ['unix://relative', 'tcp://x', 'fd://', 'tcp://h:70000']) {
      expect(() => parseListenAddress(text), text).to.throw(StackError);
    }
  });
});
