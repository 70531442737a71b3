import { expect } from 'chai';
import fc from 'fast-check';
import { StackError } from '#spec/errors';
import { parseConfig } from '../../src/config/config.ts';
import { parseToml } from '#lib/toml/toml';

describe('parseConfig', () => {
  it("reads containerd's keys", () => {
    const text = `
      version = 2 # as containerd's
      root = "/var/lib/x"
      state = '/run/x'
      [grpc]
        address = "/run/x/x.sock"
      [debug]
        level = "debug"
      [shims]
        pool = 3
        recycled = 5
      [registry]
        config_path = "/etc/x/certs.d"
      [layers]
        max_bytes = 1_000
      [runtimes]
        "io.containerd.runc.v2" = "io.containerd.lite.v2"`;
    expect(parseConfig(text)).to.deep.equal({
      root: '/var/lib/x',
      state: '/run/x',
      address: '/run/x/x.sock',
      logLevel: 'debug',
      shimPool: 3,
      recycledShims: 5,
      registryHosts: '/etc/x/certs.d',
      layerLimits: { maxEntries: 5_000_000, maxBytes: 1000 },
      runtimes: { 'io.containerd.runc.v2': 'io.containerd.lite.v2' },
    });
  });

  for (const [text, reason] of [
    ['version = 1', 'version 1 is not 2 or 3'],
    ['oom_score = 1', 'key "oom_score" is not supported'],
    ['[grpc]\nuid = 0', 'key "grpc.uid" is not supported'],
    ['root = 3', '"root" must be a string'],
    ['[shims]\npool = -1', '"shims.pool" must be an integer from 0 to 32'],
    ['[shims]\nrecycled = "8"', '"shims.recycled" must be an integer'],
    ['[shims]\nsize = 1', 'key "shims.size" is not supported'],
    ['[layers]\nmax_bytes = 0', '"layers.max_bytes" must be a positive integer'],
    ['[layers]\nmax = 1', 'key "layers.max" is not supported'],
    ['[debug]\nlevel = "loud"', 'log level "loud"'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseConfig(text)).to.throw(StackError, reason);
    });
  }
});

describe('parseToml', () => {
  it('reads tables, dotted keys, strings, numbers and arrays', () => {
    const text = `a.b = 1_000\n[x."y.z"]\nlist = ["a", 'b', [1, true]] # comment\ns = "q\\"\\n"`;
    expect(JSON.parse(JSON.stringify(parseToml(text)))).to.deep.equal({
      a: { b: 1000 },
      x: { 'y.z': { list: ['a', 'b', [1, true]], s: 'q"\n' } },
    });
  });

  for (const [text, reason] of [
    ['a', 'line 1: expected ='],
    ['a = 1\na = 2', 'line 2: key "a" is there twice'],
    ['a = 1.5', 'line 1: "1.5" is not'],
    ['[a', 'line 1: expected ]'],
    ['[[a]]', 'arrays of tables'],
    ['a = [1', 'expected , or ]'],
    ['a = 1 b', 'unexpected text'],
    ['a = 1\n[a.b]', '"a" is a value'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => parseToml(text)).to.throw(StackError, reason);
    });
  }

  it('either reads or refuses whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        try {
          parseToml(text);
        } catch (error) {
          expect(error).to.be.instanceOf(StackError);
        }
      }),
    );
  });
});
