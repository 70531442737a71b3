import { expect } from 'chai';
import { annotationProperties } from '#lib/systemd/annotation-properties';
import { deviceProperties } from '#lib/systemd/device-properties';
import { resourceProperties } from '#lib/systemd/resource-properties';
import { parseUnitName, slicePath } from '#lib/systemd/unit-name';
import type { Resources } from '#spec/oci/resources';

const infinity = 2n ** 64n - 1n;

function values(resources: Resources, unified: boolean, version = 252) {
  return Object.fromEntries(
    resourceProperties(resources, { version, unified }).map(([name, { value }]) => [name, value]),
  );
}

describe('resourceProperties', () => {
  const resources: Resources = {
    memory: { limit: 1 << 20, reservation: 4096, swap: 3 << 20 },
    cpu: { shares: 1024, quota: 25_000, period: 50_000, cpus: '0-2,9', mems: '0' },
    pids: { limit: 33 },
    blockIO: { weight: 200 },
  };

  it('names what cgroup v1 has', () => {
    expect(values(resources, false)).to.deep.equal({
      MemoryLimit: 1n << 20n,
      CPUShares: 1024n,
      BlockIOWeight: 200n,
      CPUQuotaPeriodUSec: 50_000n,
      CPUQuotaPerSecUSec: 500_000n,
      TasksMax: 33n,
      AllowedCPUs: Uint8Array.of(7, 2),
      AllowedMemoryNodes: Uint8Array.of(1),
    });
  });

  it('names what cgroup v2 has, with swap apart from memory', () => {
    expect(values(resources, true)).to.deep.equal({
      MemoryMax: 1n << 20n,
      MemoryLow: 4096n,
      MemorySwapMax: 2n << 20n,
      CPUWeight: 100n,
      CPUQuotaPeriodUSec: 50_000n,
      CPUQuotaPerSecUSec: 500_000n,
      TasksMax: 33n,
      AllowedCPUs: Uint8Array.of(7, 2),
      AllowedMemoryNodes: Uint8Array.of(1),
    });
  });

  it('leaves out what an older systemd does not know', () => {
    expect(values(resources, true, 241)).not.to.have.any.keys('CPUQuotaPeriodUSec', 'AllowedCPUs');
    expect(values({ cpu: { idle: 1 } }, true, 251)).to.deep.equal({});
    expect(values({ cpu: { idle: 1, shares: 5 } }, true)).to.deep.equal({ CPUWeight: 0n });
  });

  it('rounds a share of a processor up to whole percents, and knows no limit', () => {
    expect(values({ cpu: { quota: 1234 } }, true)).to.deep.equal({ CPUQuotaPerSecUSec: 20_000n });
    expect(values({ cpu: { quota: -1 } }, true)).to.deep.equal({ CPUQuotaPerSecUSec: infinity });
    expect(values({ pids: { limit: -1 }, memory: { limit: -1 } }, true)).to.deep.equal({
      MemoryMax: infinity,
      TasksMax: infinity,
    });
  });

  it('reads files of cgroup v2 that have a property', () => {
    const unified = {
      'memory.high': '5000',
      'memory.max': 'max',
      'cpu.max': '50000 100000',
      'cpuset.cpus': '8',
      'pids.max': '4',
      'io.latency': '8:0 target=1',
    };
    expect(values({ unified }, true)).to.deep.equal({
      MemoryHigh: 5000n,
      MemoryMax: infinity,
      CPUQuotaPeriodUSec: 100_000n,
      CPUQuotaPerSecUSec: 500_000n,
      AllowedCPUs: Uint8Array.of(0, 1),
      TasksMax: 4n,
    });
  });
});

describe('deviceProperties', () => {
  const policy = (...rules: Parameters<typeof deviceProperties>[0]) => {
    const properties = deviceProperties(rules);
    return [properties[0]?.[1].value, properties.at(-1)?.[1].value];
  };

  it('allows everything where the last word is that', () => {
    expect(policy({ allow: false }, { allow: true, type: 'a' })).to.deep.equal(['auto', []]);
  });

  it('lists devices, drivers and kinds', () => {
    expect(
      policy(
        { allow: false, access: 'rwm' },
        { allow: true, type: 'c', access: 'm' },
        { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
        { allow: true, type: 'c', major: 136, access: 'rwm' },
        { allow: true, type: 'c', major: 59_999, access: 'rwm' },
      ),
    ).to.deep.equal([
      'strict',
      [
        ['char-*', 'm'],
        ['/dev/char/1:3', 'rw'],
        ['char-pts', 'rwm'],
      ],
    ]);
  });

  it('takes back what a later rule refuses', () => {
    expect(
      policy(
        { allow: false },
        { allow: true, type: 'b', major: 8, minor: 0, access: 'rwm' },
        { allow: false, type: 'b', major: 8, minor: 0, access: 'w' },
      ),
    ).to.deep.equal(['strict', [['/dev/block/8:0', 'rm']]]);
  });
});

describe('annotationProperties', () => {
  const read = (name: string, text: string) =>
    annotationProperties({ [`org.systemd.property.${name}`]: text, 'other.annotation': 'x' })[0];

  it('reads values as GVariant writes them', () => {
    expect(read('CollectMode', "'inactive-or-failed'")).to.deep.equal([
      'CollectMode',
      { signature: 's', value: 'inactive-or-failed' },
    ]);
    expect(read('SendSIGHUP', 'true')?.[1]).to.deep.equal({ signature: 'b', value: true });
    expect(read('TimeoutStopUSec', 'uint64 5000')?.[1]).to.deep.equal({
      signature: 't',
      value: 5000n,
    });
    expect(read('After', '[\'a.service\', "b.service"]')?.[1]).to.deep.equal({
      signature: 'as',
      value: ['a.service', 'b.service'],
    });
    expect(read('Wants', '@as []')?.[1]).to.deep.equal({ signature: 'as', value: [] });
    expect(read('OOMScoreAdjust', 'int32 -5')?.[1]).to.deep.equal({ signature: 'i', value: -5 });
  });

  it('turns seconds into microseconds', () => {
    expect(read('TimeoutStopSec', 'uint64 5')).to.deep.equal([
      'TimeoutStopUSec',
      { signature: 't', value: 5_000_000n },
    ]);
    expect(read('TimeoutStopSec', '0.5')?.[1].value).to.equal(500_000n);
  });

  for (const [name, text] of [
    ['CollectMode', 'inactive'],
    ['CollectMode', "'open"],
    ['CollectMode', "['a', 5]"],
    ['CollectMode', '[]'],
    ['CollectMode', "'a' 'b'"],
    ['A.B', 'true'],
    ['TimeoutStopSec', 'true'],
  ] as const) {
    it(`refuses ${name}=${text}, naming the annotation`, () => {
      expect(() => read(name, text)).to.throw(`annotation org.systemd.property.${name}`);
    });
  }
});

describe('parseUnitName', () => {
  const defaults = { id: 'box', user: false };

  it('reads slice:prefix:name', () => {
    expect(parseUnitName('machine.slice:docker:abc', defaults)).to.deep.equal({
      slice: 'machine.slice',
      unit: 'docker-abc.scope',
      isSlice: false,
    });
    expect(parseUnitName('a.slice:x:b.slice', defaults)).to.include({
      unit: 'b.slice',
      isSlice: true,
    });
  });

  it('has defaults', () => {
    expect(parseUnitName(undefined, defaults)).to.include({
      slice: 'system.slice',
      unit: 'runc-box.scope',
    });
    expect(parseUnitName(':p:n', { ...defaults, user: true })).to.include({ slice: 'user.slice' });
  });

  it('refuses a path', () => {
    expect(() => parseUnitName('/docker/abc', defaults)).to.throw(
      'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/docker/abc" instead',
    );
    expect(() => parseUnitName('a.slice:b:../c', defaults)).to.throw('names no unit');
  });
});

describe('slicePath', () => {
  it('makes a level of every dash', () => {
    expect(slicePath('test-a-b.slice')).to.equal('/test.slice/test-a.slice/test-a-b.slice');
    expect(slicePath('-.slice')).to.equal('/');
  });

  for (const bad of ['.slice', 'a', 'a--b.slice', '-a.slice', 'a/b.slice']) {
    it(`refuses ${bad}`, () => {
      expect(() => slicePath(bad)).to.throw('invalid slice name');
    });
  }
});
