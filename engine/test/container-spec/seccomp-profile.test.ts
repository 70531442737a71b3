import { expect } from 'chai';
import { StackError } from '#spec/errors';
import type { Seccomp } from '#spec/oci/seccomp';
import { compileSeccompProfile } from '../../src/container-spec/seccomp-profile.ts';

const facts = {
  capabilities: ['CAP_SYS_ADMIN'],
  architecture: 'x64',
  kernelRelease: '6.8.0-rc3+',
} as const;

function compile(profile: object): Seccomp | undefined {
  return compileSeccompProfile(JSON.stringify(profile), facts);
}

/** Which of the rules remain, by the names of their calls. */
function remaining(...conditions: object[]): unknown {
  const syscalls = conditions.map((condition, index) => ({
    names: [`call${index}`],
    action: 'SCMP_ACT_ALLOW',
    ...condition,
  }));
  return compile({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })?.syscalls?.flatMap(
    ({ names }) => names,
  );
}

describe('compileSeccompProfile', () => {
  it('expands the architectures of this machine', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    ];
    expect(compile({ defaultAction: 'SCMP_ACT_ALLOW', archMap })?.architectures).to.deep.equal([
      'SCMP_ARCH_X86_64',
      'SCMP_ARCH_X86',
      'SCMP_ARCH_X32',
    ]);
  });

  it('keeps rules by capability, architecture and kernel', () => {
    expect(
      remaining(
        { includes: { caps: ['CAP_SYS_ADMIN'] } },
        { includes: { caps: ['CAP_SYS_ADMIN', 'CAP_BPF'] } },
        { excludes: { caps: ['CAP_BPF', 'CAP_SYS_ADMIN'] } },
        { includes: { arches: ['arm64', 'amd64'] } },
        { excludes: { arches: ['amd64'] } },
        { includes: { minKernel: '6.8' } },
        { includes: { minKernel: '6.9' } },
        { excludes: { minKernel: '5.15' } },
        { includes: {}, excludes: {} },
      ),
    ).to.deep.equal(['call0', 'call3', 'call5', 'call8']);
  });

  it('takes the older form with one name, arguments and flags', () => {
    const args = [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }];
    expect(
      compile({
        defaultAction: 'SCMP_ACT_ERRNO',
        defaultErrnoRet: 38,
        flags: ['SECCOMP_FILTER_FLAG_LOG'],
        syscalls: [{ name: 'socket', action: 'SCMP_ACT_ALLOW', args, comment: 'why' }],
      }),
    ).to.deep.include({
      defaultErrnoRet: 38,
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [{ names: ['socket'], action: 'SCMP_ACT_ALLOW', args }],
    });
  });

  it('is nothing for a profile that says nothing', () => {
    expect(compile({})).to.equal(undefined);
  });

  it('names what is wrong', () => {
    const rule = { names: ['a'], action: 'SCMP_ACT_ALLOW' };
    for (const [profile, words] of [
      [{ defaultAction: 'ALLOW' }, 'seccomp.defaultAction'],
      [{ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, name: 'b' }] }, "both 'name'"],
      [
        {
          defaultAction: 'SCMP_ACT_ERRNO',
          syscalls: [{ ...rule, includes: { minKernel: '4' } }],
        },
        'seccomp.syscalls[0].includes.minKernel: invalid kernel version: "4"',
      ],
      [
        {
          defaultAction: 'SCMP_ACT_ERRNO',
          architectures: ['SCMP_ARCH_X86'],
          archMap: [{ architecture: 'SCMP_ARCH_X86_64' }],
        },
        "both 'architectures' and 'archMap'",
      ],
    ] as const) {
      expect(() => compile(profile), words).to.throw(StackError, words);
    }
    expect(() => compileSeccompProfile('{', facts)).to.throw(
      StackError,
      'Decoding seccomp profile failed',
    );
  });
});
