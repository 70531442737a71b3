/**
 * config.json as nobody would write it: real ones with parts replaced by something else, and hostile words in every
 * place for text. Each gives a program, or an error that says what is wrong; anything else is a bug.
 */
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect } from 'chai';
import { encodeProgram } from '#lib/loader/encode';
import { printProgram } from '#lib/loader/print';
import { compileFilter } from '#lib/seccomp/compile-filter';
import { isStackError, messageOf } from '#spec/errors';
import { parseRuntimeConfig } from '#spec/oci/runtime-config';
import { compileContainer } from '../../src/compile/container-program.ts';
import type { HostFacts, SourceKind } from '../../src/compile/input.ts';

const bundles = path.resolve(import.meta.dirname, '../bundles');
const configs = fs
  .readdirSync(bundles)
  .map((name) => fs.readFileSync(path.join(bundles, name, 'config.json'), 'utf8'));

/** Every source exists. */
class EveryPath extends Map<string, SourceKind> {
  override get(): SourceKind {
    return 'directory';
  }
}

const facts: HostFacts = {
  privileged: true,
  capabilities: new Set(Array.from({ length: 41 }, (_, number) => number)),
  lastCapability: 40,
  sources: new EveryPath(),
  mayMakeDevices: true,
  securityModules: new Set(['apparmor', 'selinux']),
  cgroup: { joinFiles: [], mounts: [] },
  hasKcore: true,
};

/** Undefined for a program or an error for people; otherwise what went wrong. */
function bugOf(json: unknown): string | undefined {
  try {
    const config = parseRuntimeConfig(json);
    const seccomp = config.linux?.seccomp && compileFilter(config.linux.seccomp, 'x64');
    const program = compileContainer({
      config,
      id: 'box',
      rootfs: '/bundle/rootfs',
      fifo: '/run/fifo',
      console: { socketPath: '/run/console.sock' },
      facts,
      rootMount: '/run/runtime/c/rootfs',
      noPivot: false,
      noNewKeyring: false,
      preservedDescriptors: 0,
      home: '/',
      ...(seccomp && {
        seccomp: { filter: seccomp.bytes, flags: seccomp.flags, notify: seccomp.notify },
      }),
    });
    encodeProgram(program, 'x64');
    printProgram(program);
    return undefined;
  } catch (error) {
    if (isStackError(error) && error.kind !== 'internal' && error.message !== '') return undefined;
    return error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
  }
}

const hostile = fc.constantFrom<unknown>(
  ...[
    '',
    '/',
    '.',
    '..',
    '/..',
    '../../etc',
    '/proc',
    '/proc/self/fd/7',
    '/dev/null',
    'a\0b',
    '\n',
  ],
  ...['/a/../../b', '//', 'x'.repeat(5000), '/x'.repeat(2000), '\ud800', 'é'.repeat(300), '=', ','],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'rbind', 'ridmap', 'size=1'],
  ...[0, -1, 1, 65536, 2 ** 31, 2 ** 32, 2 ** 53, 1e300, 0.5, null, true, false],
  ...[[], {}, [[]], [{}], [null], [''], ['/'], { '': '' }, { __proto__: null }],
);

type Place = readonly (string | number)[];

function placesIn(value: unknown, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place];
  const inner = Object.entries(value).flatMap(([key, item]) => placesIn(item, [...place, key]));
  return [place, ...inner];
}

function replaceAt(json: unknown, [first, ...rest]: Place, value: unknown): unknown {
  if (first === undefined) return value;
  // An earlier change may have taken the place away.
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) {
    const items: unknown[] = json;
    return items.map((item, index) =>
      String(index) === first ? replaceAt(item, rest, value) : item,
    );
  }
  const holder = json as Record<string, unknown>; // any object is one
  return { ...holder, [first]: replaceAt(holder[first], rest, value) };
}

/** Properties that the bundles of this folder do not have. */
const additions: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
  ['linux', fc.record({ sysctl: fc.dictionary(fc.string(), fc.string()) })],
  [
    'hooks',
    fc.dictionary(
      fc.constantFrom('createContainer', 'startContainer', 'poststop'),
      fc.array(
        fc.record({ path: fc.string(), args: fc.array(fc.string()), timeout: fc.integer() }),
      ),
    ),
  ],
  [
    'mounts',
    fc.array(
      fc.record({
        destination: fc.string(),
        type: fc.string(),
        source: fc.string(),
        options: fc.array(fc.string()),
      }),
    ),
  ],
  [
    'process',
    fc.record({
      cwd: fc.constant('/'),
      args: fc.array(fc.string()),
      env: fc.array(fc.string()),
      scheduler: fc.record({
        policy: fc.constantFrom('SCHED_OTHER', 'SCHED_FIFO', 'SCHED_DEADLINE'),
        nice: fc.integer(),
        priority: fc.integer(),
        runtime: fc.nat(),
      }),
      ioPriority: fc.record({ class: fc.constant('IOPRIO_CLASS_BE'), priority: fc.integer() }),
      apparmorProfile: fc.string(),
      rlimits: fc.array(
        fc.record({
          type: fc.constantFrom('RLIMIT_NOFILE', 'RLIMIT_CPU'),
          soft: fc.nat(),
          hard: fc.nat(),
        }),
      ),
    }),
  ],
  [
    'linux',
    fc.record({
      namespaces: fc.constant([{ type: 'mount' }]),
      devices: fc.array(
        fc.record({
          type: fc.constantFrom('c', 'b', 'p', 'u'),
          path: fc.string(),
          major: fc.integer(),
          minor: fc.integer(),
          fileMode: fc.nat(),
          uid: fc.nat(),
        }),
      ),
      maskedPaths: fc.array(fc.string()),
      readonlyPaths: fc.array(fc.string()),
      memoryPolicy: fc.record({ mode: fc.constantFrom('MPOL_BIND', 'x'), nodes: fc.string() }),
      mountLabel: fc.string(),
      cgroupsPath: fc.string(),
    }),
  ],
];

describe('compileContainer', function () {
  this.timeout(60_000);

  it('makes a program or an error of any config.json with something replaced', () => {
    const changed = fc.constantFrom(...configs).chain((text) => {
      const json: unknown = JSON.parse(text);
      const places = placesIn(json);
      const changes = fc.array(fc.tuple(fc.nat(places.length - 1), hostile), {
        minLength: 1,
        maxLength: 3,
      });
      return changes.map((list) =>
        list.reduce((value, [index, item]) => replaceAt(value, places[index] ?? [], item), json),
      );
    });
    fc.assert(
      fc.property(changed, (json) => {
        expect(bugOf(json)).to.equal(undefined);
      }),
      { numRuns: 8000 },
    );
  });

  it('makes a program or an error of any properties that fit the types', () => {
    const base = JSON.parse(configs[0] ?? '{}') as Record<string, unknown>;
    const added = fc
      .constantFrom(...additions)
      .chain(([name, values]) => values.map((value) => ({ ...base, [name]: value })));
    fc.assert(
      fc.property(added, (json) => {
        expect(bugOf(json)).to.equal(undefined);
      }),
      { numRuns: 800 },
    );
  });

  it('makes a program or an error of anything at all', () => {
    fc.assert(
      fc.property(fc.anything(), (json) => {
        expect(bugOf(json)).to.equal(undefined);
      }),
    );
  });

  it('is not led to endless work by huge lists', () => {
    const json = JSON.parse(configs[0] ?? '{}') as {
      mounts: unknown[];
      process: { env: string[] };
      linux: { maskedPaths: string[] };
    };
    const many = Array.from({ length: 3000 }, (_, index) => index);
    json.process.env = many.map((index) => `V${index}=x`);
    json.mounts = many.map((index) => ({ destination: `/m${index}`, type: 'tmpfs' }));
    json.linux.maskedPaths = many.map((index) => `/p${index}`);
    expect(bugOf(json)).to.equal(undefined);
  });
});
