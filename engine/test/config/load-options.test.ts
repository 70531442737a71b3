import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { isStackError, StackError } from '#spec/errors';
import { daemonOptions, notBuilt } from '../../src/config/daemon-options.ts';
import { readOrder, type Order } from '../../src/config/load-options.ts';

describe('readOrder', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'engine-config-'));
    file = path.join(folder, 'daemon.json');
  });

  afterEach(() => {
    fs.rmSync(folder, { recursive: true });
  });

  function run(args: readonly string[]): Extract<Order, { kind: 'run' }> {
    const order = readOrder(args);
    if (order.kind !== 'run') throw new Error(`it is ${order.kind}`);
    return order;
  }

  /** With a config file of this content. */
  function withFile(content: unknown, ...args: string[]): Extract<Order, { kind: 'run' }> {
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return run(['--config-file', file, ...args]);
  }

  it('has the defaults of the design', () => {
    const { options } = withFile('');
    expect(options.hosts).to.deep.equal(['unix:///run/engine/engine.sock']);
    expect([options.dataRoot, options.execRoot]).to.deep.equal(['/var/lib/engine', '/run/engine']);
    expect(options.reloadable.shutdownTimeoutSeconds).to.equal(15);
  });

  it('reads flags in every form that pflag reads', () => {
    const { options } = withFile(
      '',
      ...['-H', 'unix:///a', '-Hunix:///b', '-H=unix:///c', '--host=tcp://127.0.0.1:1'],
      ...['--add-runtime', 'x=/y=z', '-D', '--label', 'a=b=c', '--live-restore=true', '-DlWARN'],
    );
    expect(options.hosts).to.deep.equal([
      'unix:///a',
      'unix:///b',
      'unix:///c',
      'tcp://127.0.0.1:1',
    ]);
    expect(options.reloadable.runtimes).to.deep.equal({ x: '/y=z' });
    expect(options.reloadable.labels).to.deep.equal(['a=b=c']);
    expect([options.reloadable.debug, options.logLevel]).to.deep.equal([true, 'warn']);
    expect(withFile('', '--debug=false').options.reloadable.debug).to.equal(false);
  });

  it('says with the words of docker what is wrong with a flag', () => {
    const cases: [string[], string][] = [
      [['--nope'], 'unknown flag: --nope'],
      [['-x'], "unknown shorthand flag: 'x' in -x"],
      [['--host'], 'flag needs an argument: --host'],
      [['-DH'], "flag needs an argument: 'H' in -DH"],
      [['--debug=maybe'], 'invalid argument "maybe" for "-D, --debug" flag'],
      [['--mtu', '1e3'], 'invalid argument "1e3" for "--mtu" flag'],
      [['word'], '"engined" accepts no arguments'],
      [['--add-runtime', 'x'], 'is not name=path'],
      [['--live-restore=false'], 'live-restore cannot be turned off'],
      [['--default-ipc-mode', 'host'], 'IPC mode "host" is not supported as default value'],
      [['--default-cgroupns-mode', 'x'], 'invalid default cgroup namespace (x)'],
      [['--default-ulimit', 'nofile=2:1'], 'soft limit must be less than or equal to hard limit'],
      [['--default-ulimit', 'files=2'], 'invalid ulimit type: files'],
      [['--default-shm-size', 'much'], "invalid size: 'much'"],
      [['--seccomp-profile', '/none'], 'opening seccomp profile (/none) failed'],
      [['--exec-opt', 'native.cgroupdriver=systemd'], 'is not implemented'],
      [['--exec-opt', 'native.x=y'], 'invalid exec-opt (native.x=y): unknown option'],
      [['--oom-score-adjust', '2000'], 'invalid oom-score-adjust: 2000'],
      [['-l', 'loud'], 'invalid logging level: loud'],
      [['--label', 'a=1', '--label', 'a=2'], 'conflict labels for a=2 and a=1'],
      [['--registry-mirror', 'ftp://x'], 'invalid mirror: "ftp://x"'],
      [['-H', 'ftp://x'], "invalid bind address (ftp://x): unsupported proto 'ftp'"],
    ];
    for (const [args, message] of cases) {
      expect(() => withFile('', ...args), args.join(' ')).to.throw(StackError, message);
    }
  });

  it('refuses by name whatever dockerd has and this engine has not', () => {
    for (const name of notBuilt) {
      expect(() => run([`--${name}`]), name).to.throw(StackError, `--${name} is not implemented`);
    }
    expect(() => withFile({ builder: {} })).to.throw(StackError, '"builder" is not implemented');
    expect(
      notBuilt.filter((name) => daemonOptions.some(({ flag }) => flag === name)),
    ).to.deep.equal([]);
  });

  it("reads docker's keys", () => {
    const { options } = withFile({
      hosts: ['unix:///b'],
      runtimes: { r: { path: '/r' } },
      debug: true,
      'default-address-pools': [{ base: '10.0.0.0/16', size: 24 }],
      mtu: 1400,
      labels: ['x'],
      'default-shm-size': '1.5m',
      'default-ulimits': { nofile: { Name: 'nofile', Soft: 5, Hard: 6 } },
      features: { 'containerd-snapshotter': true },
    });
    expect(options.reloadable.containers).to.deep.include({
      shmSizeBytes: 1.5 * 1024 * 1024,
      ulimits: [{ Name: 'nofile', Soft: 5, Hard: 6 }],
    });
    expect(options.hosts).to.deep.equal(['unix:///b']);
    expect(options.network).to.deep.include({
      defaultAddressPool: ['base=10.0.0.0/16,size=24'],
      mtu: 1400,
    });
    expect(options.reloadable).to.deep.include({
      debug: true,
      runtimes: { r: '/r' },
      labels: ['x'],
    });
  });

  it('takes what its byte order mark says it is', () => {
    const json = '{"debug":true}';
    for (const bytes of [Buffer.from(`\uFEFF${json}`), Buffer.from(`\uFEFF${json}`, 'utf16le')]) {
      fs.writeFileSync(file, bytes);
      expect(run(['--config-file', file]).options.reloadable.debug).to.equal(true);
    }
    fs.writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    expect(() => run(['--config-file', file])).to.throw(StackError, 'failed to decode');
  });

  it('refuses unknown keys, and to be told twice, and adds runtimes of both', () => {
    expect(() => withFile({ colour: 'red', debug: true, taste: { sour: 1 } })).to.throw(
      StackError,
      `unable to configure the engine with file ${file}: the following directives don't match any configuration option: colour, sour`,
    );
    expect(() => withFile({ hosts: ['unix:///b'] }, '-H', 'unix:///c', '-H', 'fd://')).to.throw(
      StackError,
      'the following directives are specified both as a flag and in the configuration file: hosts: (from flag: [unix:///c fd://], from file: [unix:///b])',
    );
    const both = withFile({ runtimes: { a: { path: '/a' } } }, '--add-runtime', 'b=/b');
    expect(both.options.reloadable.runtimes).to.deep.equal({ a: '/a', b: '/b' });
  });

  it('names the key whose value has the wrong type, and the file that is not there', () => {
    expect(() => withFile({ debug: 'yes' })).to.throw(StackError, '"debug" must be a boolean');
    expect(() => withFile({ hosts: 'unix:///x' })).to.throw(StackError, '"hosts" must be an array');
    expect(() => withFile('{"debug": tru')).to.throw(StackError, 'invalid JSON');
    expect(() => run(['--config-file', `${file}.none`])).to.throw(StackError, 'no such file');
  });

  it('only validates when it is asked to', () => {
    fs.writeFileSync(file, '{"debug":true}');
    expect(readOrder(['--validate', '--config-file', file]).kind).to.equal('validate');
    fs.writeFileSync(file, '{"debug":1}');
    expect(() => readOrder(['--validate', '--config-file', file])).to.throw(StackError, '"debug"');
  });

  it('rereads the file: what it names changes, the rest stays or waits', () => {
    const { configuration } = withFile({ labels: ['a=1'], 'shutdown-timeout': 5, mtu: 1400 });
    fs.writeFileSync(file, JSON.stringify({ labels: ['a=2'], mtu: 9000, debug: true }));
    const { options, ignored, apply } = configuration.reread();
    expect(options).to.deep.include({ labels: ['a=2'], shutdownTimeoutSeconds: 5, debug: true });
    expect(ignored).to.deep.equal(['mtu']);
    apply();
    fs.writeFileSync(file, '{"debug": 3}');
    expect(() => configuration.reread()).to.throw(StackError, '"debug" must be a boolean');
    fs.writeFileSync(file, '{}');
    expect(configuration.reread().options).to.deep.include({ labels: ['a=2'], debug: true });
  });

  it('answers any file with options or one clear error', () => {
    const keys = fc.constantFrom(
      ...daemonOptions.map(({ flag, key }) => key ?? flag),
      '__proto__',
      'constructor',
    );
    const files = fc.oneof(
      fc.json(),
      fc.dictionary(keys, fc.jsonValue()).map((file) => JSON.stringify(file)),
    );
    fc.assert(
      fc.property(files, (text) => {
        try {
          withFile(text);
        } catch (error) {
          if (!isStackError(error)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});
