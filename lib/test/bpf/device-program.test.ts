import { expect } from 'chai';
import fc from 'fast-check';
import { deviceProgram } from '#lib/bpf/device-program';
import type { DeviceRule } from '#spec/oci/resources';

interface Access {
  type: 'b' | 'c';
  major: number;
  minor: number;
  access: number;
}

describe('deviceProgram', () => {
  it('refuses what no rule permits', () => {
    expect(run([], { type: 'c', major: 1, minor: 3, access: 2 })).to.equal(0);
    const rules: DeviceRule[] = [{ allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }];
    expect(run(rules, { type: 'c', major: 1, minor: 3, access: 6 })).to.equal(1);
    expect(run(rules, { type: 'c', major: 1, minor: 3, access: 1 })).to.equal(0);
    expect(run(rules, { type: 'b', major: 1, minor: 3, access: 2 })).to.equal(0);
  });

  it('lets later rules win, each permission on its own', () => {
    const rules: DeviceRule[] = [
      { allow: true },
      { allow: false, type: 'b', access: 'w' },
      { allow: true, type: 'b', major: 8, access: 'w' },
    ];
    expect(run(rules, { type: 'b', major: 7, minor: 0, access: 2 })).to.equal(1);
    expect(run(rules, { type: 'b', major: 7, minor: 0, access: 6 })).to.equal(0);
    expect(run(rules, { type: 'b', major: 8, minor: 0, access: 6 })).to.equal(1);
  });

  it('forgets what a rule about everything hides', () => {
    const hidden: DeviceRule[] = [
      { allow: true, type: 'c', major: 1, minor: 5 },
      { allow: false, access: 'rwm' },
    ];
    expect(deviceProgram(hidden)).to.have.lengthOf(deviceProgram([]).length);
  });

  it('agrees with a naive evaluation of generated rules', () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), access, (rules, asked) => {
        expect(run(rules, asked)).to.equal(evaluate(rules, asked) ? 1 : 0);
      }),
      { numRuns: 3000 },
    );
  });
});

const number = fc.constantFrom(-1, 0, 1, 8, 0xffffffff);
const rule: fc.Arbitrary<DeviceRule> = fc.record({
  allow: fc.boolean(),
  type: fc.constantFrom('a', 'b', 'c', 'u'),
  major: number,
  minor: number,
  access: fc.constantFrom('', 'r', 'w', 'm', 'rw', 'rm', 'rwm'),
});
const access: fc.Arbitrary<Access> = fc.record({
  type: fc.constantFrom('b', 'c'),
  major: fc.constantFrom(0, 1, 8, 0xffffffff),
  minor: fc.constantFrom(0, 1, 8, 0xffffffff),
  access: fc.integer({ min: 1, max: 7 }),
});

/** Each permission asked for must be granted by the last rule that matches it. */
function evaluate(rules: readonly DeviceRule[], asked: Access): boolean {
  const letters = { m: 1, r: 2, w: 4 };
  return Object.entries(letters).every(([letter, bit]) => {
    if (!(asked.access & bit)) return true;
    const last = rules.findLast(
      (rule) =>
        (rule.type === 'a' || (rule.type === 'u' ? 'c' : rule.type) === asked.type) &&
        [-1, asked.major].includes(rule.major ?? -1) &&
        [-1, asked.minor].includes(rule.minor ?? -1) &&
        (rule.access === '' || rule.access?.includes(letter)),
    );
    return last?.allow ?? false;
  });
}

/** Runs the program as the kernel would, for the instructions that it uses. */
function run(rules: readonly DeviceRule[], { type, major, minor, access }: Access): number {
  const complete = rules.map((rule) => ({ type: 'a' as const, ...rule }));
  const program = deviceProgram(complete);
  const context = [(access << 16) | (type === 'b' ? 1 : 2), major, minor];
  const registers = new Uint32Array(11);
  for (let at = 0; ; at++) {
    const code = program.readUInt8(at * 8);
    const target = program.readUInt8(at * 8 + 1) & 15;
    const source = program.readUInt8(at * 8 + 1) >> 4;
    const offset = program.readInt16LE(at * 8 + 2);
    const constant = program.readUInt32LE(at * 8 + 4);
    const value = registers[target] ?? 0;
    switch (code) {
      case 0x61:
        expect(source).to.equal(1);
        registers[target] = context[offset / 4] ?? 0;
        break;
      case 0xb4:
        registers[target] = constant;
        break;
      case 0xbc:
        registers[target] = registers[source] ?? 0;
        break;
      case 0x54:
        registers[target] = value & constant;
        break;
      case 0x74:
        registers[target] = value >>> constant;
        break;
      case 0x16:
        if (value === constant) at += offset;
        break;
      case 0x56:
        if (value !== constant) at += offset;
        break;
      case 0x46:
        if (value & constant) at += offset;
        break;
      case 0x95:
        return registers[0] ?? 0;
      default:
        throw new Error(`unknown instruction 0x${code.toString(16)}`);
    }
  }
}
