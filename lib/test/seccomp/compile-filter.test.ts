import { expect } from 'chai';
import fc from 'fast-check';
import { auditArchitectures } from '#lib/seccomp/architecture';
import { compileFilter } from '#lib/seccomp/compile-filter';
import { printFilter } from '#lib/seccomp/print-filter';
import { syscallNumbers } from '#lib/seccomp/syscall-table';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import type { Seccomp, SeccompArgument, SeccompOperator } from '#spec/oci/seccomp';
import { seccompOperators } from '#spec/oci/seccomp';
import { runFilter } from './bpf-interpreter.ts';

const ALLOW = 0x7fff0000;
const KILL = 0;
const errno = (number: number) => 0x00050000 + number;
const EPERM = errno(1);
const ENOSYS = errno(38);

/** What `seccomp` answers to a call by name on x86-64. */
function ask(seccomp: Seccomp, name: string, ...args: (number | bigint)[]): number {
  const number = syscallNumbers('x86_64').get(name);
  if (number === undefined) throw new Error(`no call ${name}`);
  return askNumber(seccomp, number, 'x86_64', ...args);
}

function askNumber(
  seccomp: Seccomp,
  number: number,
  abi: keyof typeof auditArchitectures,
  ...args: (number | bigint)[]
): number {
  const host = abi.startsWith('arm') ? 'arm64' : 'x64';
  const { instructions } = compileFilter(seccomp, host);
  return runFilter(instructions, {
    number,
    architecture: auditArchitectures[abi],
    args: args.map(BigInt),
  });
}

describe('compileFilter', () => {
  const refusing: Seccomp = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['read', 'write', 'openat2'], action: 'SCMP_ACT_ALLOW' }],
  };

  it('answers by name and refuses the rest with the default', () => {
    expect(ask(refusing, 'read')).to.equal(ALLOW);
    expect(ask(refusing, 'mount')).to.equal(EPERM);
    expect(ask({ ...refusing, defaultErrnoRet: 13 }, 'mount')).to.equal(errno(13));
  });

  it('answers ENOSYS above the highest number that the profile names', () => {
    const highest = syscallNumbers('x86_64').get('openat2') ?? 0;
    expect(askNumber(refusing, highest, 'x86_64')).to.equal(ALLOW);
    expect(askNumber(refusing, highest + 1, 'x86_64')).to.equal(ENOSYS);
    expect(askNumber({ ...refusing, defaultAction: 'SCMP_ACT_LOG' }, 460, 'x86_64')).to.equal(
      0x7ffc0000,
    );
  });

  it('kills what comes through an ABI that the profile does not list', () => {
    expect(askNumber(refusing, 3, 'x86')).to.equal(KILL);
    expect(askNumber(refusing, 0x40000000, 'x86_64')).to.equal(KILL);
    expect(askNumber(refusing, 0xffffffff, 'x86_64')).to.equal(EPERM);
    const listed: Seccomp = { ...refusing, architectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] };
    expect(askNumber(listed, 3, 'x86')).to.equal(ALLOW);
    expect(askNumber(listed, 0x40000000, 'x86_64')).to.equal(ALLOW);
    expect(askNumber(listed, 0x40000000 + 165, 'x86_64')).to.equal(EPERM);
  });

  it('covers socketcall and ipc on 32-bit x86', () => {
    const forbidding: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86'],
      syscalls: [{ names: ['socket', 'shmat'], action: 'SCMP_ACT_ERRNO' }],
    };
    const [socketcall = 0, ipc = 0] = ['socketcall', 'ipc'].map((name) =>
      syscallNumbers('x86').get(name),
    );
    expect(askNumber(forbidding, socketcall, 'x86', 1)).to.equal(EPERM);
    expect(askNumber(forbidding, socketcall, 'x86', 2)).to.equal(ALLOW);
    expect(askNumber(forbidding, ipc, 'x86', 0x10000 + 21)).to.equal(EPERM);
  });

  it('knows the private calls of 32-bit ARM', () => {
    const profile = defaultSeccompProfile([], 'arm64');
    expect(askNumber(profile, 0xf0002, 'arm')).to.equal(ALLOW);
    expect(askNumber(profile, 0xf0003, 'arm')).to.equal(EPERM);
    expect(askNumber(profile, 480, 'arm')).to.equal(ENOSYS);
    expect(askNumber(profile, 480, 'arm64')).to.equal(ENOSYS);
  });

  it('compares 32 bits where arguments have 32', () => {
    const rule: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86'],
      syscalls: [
        {
          names: ['personality'],
          action: 'SCMP_ACT_ALLOW',
          args: [{ index: 0, op: 'SCMP_CMP_EQ', value: 0xffffffffffffffff }],
        },
      ],
    };
    expect(askNumber(rule, 136, 'x86', 0xffffffff)).to.equal(ALLOW);
    expect(askNumber(rule, 135, 'x86_64', 0xffffffff)).to.equal(EPERM);
    expect(askNumber(rule, 135, 'x86_64', 0xffffffffffffffffn)).to.equal(ALLOW);
  });

  it('lets a rule without conditions replace those with', () => {
    const args: SeccompArgument[] = [{ index: 0, op: 'SCMP_CMP_EQ', value: 1 }];
    const both: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['kill'], action: 'SCMP_ACT_TRAP', args },
        { names: ['kill'], action: 'SCMP_ACT_ERRNO', errnoRet: 3 },
        { names: ['kill'], action: 'SCMP_ACT_KILL_PROCESS' },
      ],
    };
    expect(ask(both, 'kill', 1)).to.equal(errno(3));
    expect(ask(both, 'kill', 2)).to.equal(errno(3));
  });

  it('lets each condition stand alone where one argument has several', () => {
    const rule: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [
            { index: 0, op: 'SCMP_CMP_EQ', value: 1 },
            { index: 0, op: 'SCMP_CMP_EQ', value: 2 },
          ],
        },
      ],
    };
    expect([1, 2, 3].map((family) => ask(rule, 'socket', family))).to.deep.equal([
      ALLOW,
      ALLOW,
      EPERM,
    ]);
  });

  it('skips and reports names that nobody knows', () => {
    const { unknownSyscalls } = compileFilter(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['read', 'frobnicate'], action: 'SCMP_ACT_ERRNO' }],
      },
      'x64',
    );
    expect(unknownSyscalls).to.deep.equal(['frobnicate']);
  });

  it('maps every action', () => {
    const values = (
      [
        ['SCMP_ACT_KILL', 0],
        ['SCMP_ACT_KILL_THREAD', 0],
        ['SCMP_ACT_KILL_PROCESS', 0x80000000],
        ['SCMP_ACT_TRAP', 0x30000],
        ['SCMP_ACT_ERRNO', EPERM],
        ['SCMP_ACT_TRACE', 0x7ff00001],
        ['SCMP_ACT_LOG', 0x7ffc0000],
        ['SCMP_ACT_NOTIFY', 0x7fc00000],
      ] as const
    ).map(([action, value]) => {
      const got = ask(
        {
          defaultAction: 'SCMP_ACT_ALLOW',
          listenerPath: '/run/listener',
          syscalls: [{ names: ['chown'], action }],
        },
        'chown',
      );
      return [got, value];
    });
    for (const [got, value] of values) expect(got).to.equal(value);
  });

  it('asks for a listener when there is something to notify, and then not for TSYNC', () => {
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: '/run/listener',
      flags: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
    };
    expect(compileFilter(seccomp, 'x64')).to.include({ notify: true, flags: 8 + 2 });
    expect(compileFilter({ ...seccomp, syscalls: [] }, 'x64')).to.include({
      notify: false,
      flags: 3,
    });
    const { listenerPath, ...nowhere } = seccomp;
    expect(listenerPath).to.be.a('string');
    expect(() => compileFilter(nowhere, 'x64')).to.throw('linux.seccomp.listenerPath: is required');
    expect(() =>
      compileFilter(
        { ...seccomp, syscalls: [{ names: ['write'], action: 'SCMP_ACT_NOTIFY' }] },
        'x64',
      ),
    ).to.throw('cannot be used for write');
  });

  it('refuses an errno for an action that has none', () => {
    expect(() =>
      compileFilter(
        {
          defaultAction: 'SCMP_ACT_ALLOW',
          syscalls: [{ names: ['read'], action: 'SCMP_ACT_KILL', errnoRet: 5 }],
        },
        'x64',
      ),
    ).to.throw('linux.seccomp.syscalls[0]: SCMP_ACT_KILL does not take an errno');
  });

  it("compiles docker's profile to a short search", () => {
    const { instructions, unknownSyscalls } = compileFilter(
      defaultSeccompProfile([], 'x64'),
      'x64',
    );
    expect(unknownSyscalls).to.deep.equal([]);
    expect(instructions.length).to.be.below(900);
    const profile = defaultSeccompProfile([], 'x64');
    expect(ask(profile, 'clone', 0x01200011)).to.equal(ALLOW);
    expect(ask(profile, 'clone', 0x10000000)).to.equal(EPERM);
    expect(ask(profile, 'clone3')).to.equal(ENOSYS);
    expect(ask(profile, 'mount')).to.equal(EPERM);
    expect(ask(profile, 'socket', 38)).to.equal(EPERM);
    expect(ask(profile, 'socket', 2)).to.equal(ALLOW);
    const admin = defaultSeccompProfile(['CAP_SYS_ADMIN'], 'x64');
    expect(ask(admin, 'mount')).to.equal(ALLOW);
    expect(ask(admin, 'clone', 0x10000000)).to.equal(ALLOW);
  });

  it("compiles docker's profile for arm64", () => {
    const profile = defaultSeccompProfile([], 'arm64');
    const numbers = syscallNumbers('arm64');
    const answer = (name: string, ...args: number[]) =>
      askNumber(profile, numbers.get(name) ?? -1, 'arm64', ...args);
    expect(answer('openat')).to.equal(ALLOW);
    expect(answer('clone', 0x01200011)).to.equal(ALLOW);
    expect(answer('clone', 0x10000000)).to.equal(EPERM);
    expect(answer('clone3')).to.equal(ENOSYS);
    expect(answer('mount')).to.equal(EPERM);
    // The same number through the other ABI of such a machine is another call.
    expect(askNumber(profile, syscallNumbers('arm').get('mount') ?? -1, 'arm')).to.equal(EPERM);
    expect(askNumber(profile, syscallNumbers('arm').get('openat') ?? -1, 'arm')).to.equal(ALLOW);
  });

  it('agrees with a naive evaluation of generated rules', () => {
    fc.assert(
      fc.property(profiles, calls, (seccomp, call) => {
        const { instructions } = compileFilter(seccomp, 'x64');
        expect(
          runFilter(instructions, { ...call, architecture: auditArchitectures.x86_64 }),
        ).to.equal(evaluate(seccomp, call));
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the naive evaluation when a program is too long for short jumps', () => {
    const names = [...syscallNumbers('x86_64').keys()];
    const seccomp: Seccomp = {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: names.map((name, index) => ({
        names: [name],
        action: index % 2 ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_TRAP',
        args: [{ index: 1, op: 'SCMP_CMP_EQ', value: index }],
      })),
    };
    const { instructions } = compileFilter(seccomp, 'x64');
    for (const [index, name] of names.entries()) {
      const number = syscallNumbers('x86_64').get(name) ?? 0;
      const data = { number, architecture: auditArchitectures.x86_64 };
      expect(runFilter(instructions, { ...data, args: [0n, BigInt(index)] })).to.equal(
        index % 2 ? ALLOW : 0x30000,
      );
      expect(runFilter(instructions, { ...data, args: [0n, BigInt(index + 1)] })).to.equal(EPERM);
    }
  });
});

describe('printFilter', () => {
  it('names fields, comparisons and answers', () => {
    const { instructions } = compileFilter(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          {
            names: ['kill'],
            action: 'SCMP_ACT_ERRNO',
            args: [{ index: 1, op: 'SCMP_CMP_EQ', value: 9 }],
          },
        ],
      },
      'x64',
    );
    const text = printFilter(instructions);
    expect(text).to.match(/^ {3}0: load architecture\n {3}1: if == x86_64 goto 2 else \d+\n/);
    expect(text).to.include('load args[1].low').and.include('return ERRNO(EPERM)');
    expect(text.trimEnd().split('\n')).to.have.lengthOf(instructions.length);
  });
});

interface Call {
  number: number;
  args: bigint[];
}

const someCalls = ['read', 'write', 'open', 'kill', 'socket', 'clone', 'openat2'] as const;
const interesting = fc.constantFrom(0, 1, 2, 0xffff, 0xffffffff, 0x100000000, 0x100000001, 2 ** 63);
const argument = fc.record({
  index: fc.integer({ min: 0, max: 5 }),
  value: interesting,
  valueTwo: interesting,
  op: fc.constantFrom<SeccompOperator>(...seccompOperators),
});
const profiles: fc.Arbitrary<Seccomp> = fc.record({
  defaultAction: fc.constantFrom('SCMP_ACT_ERRNO', 'SCMP_ACT_ALLOW', 'SCMP_ACT_KILL_PROCESS'),
  syscalls: fc.array(
    fc.record({
      names: fc.subarray([...someCalls], { minLength: 1 }),
      action: fc.constantFrom('SCMP_ACT_ALLOW', 'SCMP_ACT_ERRNO', 'SCMP_ACT_TRAP'),
      args: fc.array(argument, { maxLength: 3 }),
    }),
    { maxLength: 8 },
  ),
});
const calls: fc.Arbitrary<Call> = fc.record({
  number: fc.oneof(
    fc.constantFrom(...someCalls.map((name) => syscallNumbers('x86_64').get(name) ?? 0)),
    fc.integer({ min: 0, max: 500 }),
  ),
  args: fc.array(
    fc.oneof(interesting.map(BigInt), fc.bigInt({ min: 0n, max: 0xffffffffffffffffn })),
    { minLength: 6, maxLength: 6 },
  ),
});

/** The meaning of a profile, spelled out rule by rule. */
function evaluate({ defaultAction, syscalls = [] }: Seccomp, { number, args }: Call): number {
  const values: Record<string, number> = {
    SCMP_ACT_ALLOW: ALLOW,
    SCMP_ACT_ERRNO: EPERM,
    SCMP_ACT_TRAP: 0x30000,
    SCMP_ACT_KILL_PROCESS: 0x80000000,
  };
  const numberOf = (name: string) => syscallNumbers('x86_64').get(name) ?? -1;
  const named = syscalls.flatMap((rule) => rule.names).map(numberOf);
  const relevant = syscalls.filter(
    (rule) => rule.action !== defaultAction && rule.names.map(numberOf).includes(number),
  );
  const unconditional = relevant.find((rule) => !rule.args?.length);
  if (unconditional) return values[unconditional.action] ?? NaN;
  for (const { action, args: conditions = [] } of relevant) {
    const results = conditions.map((condition) => holds(condition, args[condition.index] ?? 0n));
    const distinct = new Set(conditions.map(({ index }) => index)).size === conditions.length;
    if (distinct ? results.every(Boolean) : results.some(Boolean)) return values[action] ?? NaN;
  }
  if (number > Math.max(...named) && named.length > 0 && defaultAction !== 'SCMP_ACT_ALLOW') {
    return ENOSYS;
  }
  return values[defaultAction] ?? NaN;
}

function holds({ op, value, valueTwo = 0 }: SeccompArgument, argument: bigint): boolean {
  const wanted = BigInt(value);
  switch (op) {
    case 'SCMP_CMP_EQ':
      return argument === wanted;
    case 'SCMP_CMP_NE':
      return argument !== wanted;
    case 'SCMP_CMP_LT':
      return argument < wanted;
    case 'SCMP_CMP_LE':
      return argument <= wanted;
    case 'SCMP_CMP_GT':
      return argument > wanted;
    case 'SCMP_CMP_GE':
      return argument >= wanted;
    case 'SCMP_CMP_MASKED_EQ':
      return (argument & wanted) === (BigInt(valueTwo) & wanted);
  }
}
