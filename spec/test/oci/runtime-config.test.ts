import { expect } from 'chai';
import fc from 'fast-check';
import { isStackError } from '#spec/errors';
import { defaultSpec } from '#spec/oci/default-spec';
import { parseRuntimeConfig } from '#spec/oci/runtime-config';

const minimal = {
  ociVersion: '1.0.2-dev',
  root: { path: 'rootfs' },
  process: { cwd: '/', args: ['sh'] },
};

function errorFor(change: object): string {
  try {
    parseRuntimeConfig({ ...minimal, ...change });
  } catch (error) {
    if (isStackError(error, 'invalid_argument')) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('parseRuntimeConfig', () => {
  it('accepts what `runtime spec` prints', () => {
    const rootless = { uid: 1000, gid: 1000 };
    for (const spec of [defaultSpec(), defaultSpec({ rootless }), defaultSpec({ cgroup2: true })]) {
      expect(parseRuntimeConfig(JSON.parse(JSON.stringify(spec)))).to.deep.equal(spec);
    }
  });

  it('fills in root for a user that is left out', () => {
    expect(parseRuntimeConfig(minimal).process.user).to.deep.equal({ uid: 0, gid: 0 });
  });

  it('ignores what it does not know, and null', () => {
    const config = parseRuntimeConfig({ ...minimal, windows: { x: 1 }, mounts: null, extra: [] });
    expect(config).to.not.have.any.keys('windows', 'mounts', 'extra');
  });

  it('names the place of what is wrong', () => {
    const { process } = minimal;
    const rlimit = { type: 'RLIMIT_CORE', hard: 1, soft: 1 };
    const cases: [object, string][] = [
      [{ ociVersion: '2.0.0' }, 'ociVersion: version "2.0.0" is not supported (1.0.0 to 1.3.0)'],
      [{ root: undefined }, 'root: is required'],
      [
        { process: { ...process, args: ['a', 'b', 7] } },
        'process.args[2]: expected a string, got 7',
      ],
      [{ process: { ...process, args: [] } }, 'process.args: must name what to execute'],
      [{ process: { ...process, cwd: 'tmp' } }, 'process.cwd: "tmp" is not an absolute path'],
      [{ process: { ...process, env: ['A=\0'] } }, 'process.env[0]: contains a NUL character'],
      [
        { process: { ...process, rlimits: [rlimit, rlimit] } },
        'process.rlimits[1].type: RLIMIT_CORE is given twice',
      ],
      [
        { process: { ...process, rlimits: [{ ...rlimit, soft: 2 }] } },
        'process.rlimits[0]: soft limit 2 of RLIMIT_CORE is above the hard limit 1',
      ],
      [{ annotations: { 'a b': 1 } }, 'annotations["a b"]: expected a string, got 1'],
      [{ hostname: 'x' }, 'hostname: needs a uts namespace'],
      [
        { linux: { namespaces: [{ type: 'pid' }, { type: 'pid' }] } },
        'linux.namespaces[1].type: namespace "pid" is given twice',
      ],
      [
        { linux: { resources: { unified: { '../x': '1' } } } },
        'linux.resources.unified: "../x" is not the name of a cgroup file',
      ],
      [
        { linux: { resources: { devices: [{ allow: true, access: 'rx' }] } } },
        'linux.resources.devices[0].access: "rx" has letters other than r, w and m',
      ],
      [
        { linux: { devices: [{ type: 'c', path: '/dev/x', major: 1 }] } },
        'linux.devices[0]: a device of type "c" needs major and minor',
      ],
      [
        { hooks: { poststart: [{ path: 'hook' }] } },
        'hooks.poststart[0].path: "hook" is not an absolute path',
      ],
      [
        { mounts: [{ destination: '/a', uidMappings: [] }, {}] },
        'mounts[1].destination: is required',
      ],
    ];
    for (const [change, message] of cases) expect(errorFor(change)).to.equal(message);
  });

  it('accepts or refuses generated documents, and never throws anything else', () => {
    const text = JSON.stringify(defaultSpec());
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.nat({ max: 60 }), value, (place, replacement) => {
        let count = 0;
        const broken: unknown = JSON.parse(text, (_key, old: unknown) =>
          count++ === place ? replacement : old,
        );
        try {
          parseRuntimeConfig(broken);
        } catch (error) {
          expect(isStackError(error, 'invalid_argument')).to.equal(true);
        }
      }),
    );
  });
});
