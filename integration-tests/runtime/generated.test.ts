/**
 * Containers from configurations as nobody would write them: each is created whole, or fails with an error that says
 * why and leaves nothing. What they compile to is tested with many more, without root, in runtime/test/compile.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { cgroupsOf, describeContainers, processesIn } from './fixture.ts';

const rounds = Number(process.env['GENERATED_ROUNDS'] ?? 30);

const word = fc.constantFrom<unknown>(
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
  ...['/a/../../b', '//', 'x'.repeat(5000), '/x'.repeat(600), 'é'.repeat(300), '=', 'ro', 'rbind'],
  ...['ridmap', 'size=1', 'tmpcopyup', 'bind', 'proc', 'cgroup', 'user', 'time', 'CAP_SYS_ADMIN'],
  ...[
    0,
    -1,
    1,
    65_536,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    0.5,
    null,
    true,
    false,
    [],
    {},
    [''],
    ['/'],
    [null],
  ],
);

/** Parts that may become anything; not those by which a container reaches beyond itself: root, cgroup path, propagation, hooks. */
const parts: readonly (readonly [string, (config: RuntimeConfig) => unknown])[] = [
  ['process', (config) => config.process],
  ['mounts', (config) => config.mounts],
  ['namespaces', (config) => config.linux?.namespaces],
  ['resources', (config) => config.linux?.resources],
  ['seccomp', (config) => config.linux?.seccomp],
  ['linux', (config) => ({ ...config.linux, seccomp: undefined, resources: undefined })],
];

type Place = readonly string[];

function placesIn(value: unknown, place: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [place];
  const inner = Object.entries(value).flatMap(([key, item]) => placesIn(item, [...place, key]));
  return place.length > 0 ? [place, ...inner] : inner;
}

/** Puts `value` in the place; an earlier change may have taken that away. */
function put(json: unknown, [first, ...rest]: Place, value: unknown): void {
  if (typeof json !== 'object' || json === null || first === undefined) return;
  const holder = json as Record<string, unknown>; // any object is one
  if (rest.length === 0) holder[first] = value;
  else put(holder[first], rest, value);
}

const kept = new Set(['cgroupsPath', 'rootfsPropagation']);

/** Which part, which of its places, and what to put there. */
const change = fc.tuple(fc.nat(parts.length - 1), fc.nat(100_000), word);

describeContainers('generated configurations', function (fixture) {
  it('make a whole container or none, and say why', function () {
    this.timeout(300_000);
    const { bundle, id, rootfs } = fixture();
    const file = path.join(bundle.directory, 'config.json');
    const mounts = () =>
      fs
        .readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .filter((line) => line.includes(bundle.directory));
    const outcomes = { created: 0, refused: 0 };
    const property = fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      bundle.configure(['true'], (config) => {
        config.root.readonly = false;
        config.linux!.seccomp = defaultSeccompProfile(
          [],
          process.arch === 'arm64' ? 'arm64' : 'x64',
        );
        for (const [number, place, value] of changes) {
          const part = parts[number]?.[1](config);
          const places = placesIn(part).filter(([first = '']) => !kept.has(first));
          put(part, places[place % Math.max(places.length, 1)] ?? [], value);
        }
      });
      const written = fs.readFileSync(file, 'utf8');
      const { status, stderr } = bundle.run(['create', id]);
      if (status === 0) {
        outcomes.created++;
        expect(bundle.run(['state', id]).stdout, written).to.contain('"created"');
      } else {
        outcomes.refused++;
        expect(status, stderr).to.equal(1);
        const last = stderr.trim().split('\n').at(-1) ?? '';
        expect(last).to.match(/^time="[^"]+" level=error msg="runtime create failed: .+"$/);
        expect(stderr, 'no stack').not.to.match(/\\n +at |Error: /);
        expect(fs.existsSync(path.join(bundle.root, id)), stderr).to.equal(false);
      }
      expect(bundle.run(['delete', '--force', id]).status).to.equal(0);
      expect(cgroupsOf(id)).to.deep.equal([]);
      expect(processesIn(id)).to.deep.equal([]);
      expect(mounts()).to.deep.equal([]);
      fs.rmSync(path.join(rootfs, 'dev'), { recursive: true, force: true });
    });
    fc.assert(property, { numRuns: rounds });
    expect(outcomes.refused).to.be.greaterThan(0);
  });
});
