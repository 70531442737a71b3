/** What containers may do: seccomp profiles, masked paths, privileges, modules that this kernel has or lacks. */
import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { optionFixture, type OptionFixture } from './option-fixture.ts';

describe('security options', () => {
  let fixture: OptionFixture;
  let profile: string;
  const status = (name: string): string => `grep '^${name}:' /proc/self/status | cut -f2`;

  before(async function () {
    fixture = await optionFixture(this);
    profile = path.join(fixture.stack.root, 'profile.json');
  });

  it('take a seccomp profile with conditions', async () => {
    const rules = [
      { names: ['chmod', 'fchmodat', 'fchmodat2'], action: 'SCMP_ACT_ERRNO', errnoRet: 95 },
      {
        names: ['mkdir', 'mkdirat'],
        action: 'SCMP_ACT_ERRNO',
        includes: { caps: ['CAP_NET_ADMIN'] },
      },
    ];
    fs.writeFileSync(
      profile,
      JSON.stringify({
        defaultAction: 'SCMP_ACT_ALLOW',
        archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
        syscalls: rules,
      }),
    );
    const option = ['--security-opt', `seccomp=${profile}`];
    const command = 'chmod 1 /tmp 2>&1; mkdir /made 2>&1 && echo made; true';
    expect(await fixture.shell(option, command)).to.equal(
      'chmod: /tmp: Operation not supported\nmade',
    );
    expect(await fixture.shell([...option, '--cap-add', 'NET_ADMIN'], command)).to.contain(
      "mkdir: can't create directory '/made': Operation not permitted",
    );
    fs.writeFileSync(profile, '{"defaultAction": "SCMP_ACT_SOMETIMES"}');
    expect(await fixture.fails('create', ...option, fixture.busybox)).to.contain(
      'seccomp.defaultAction',
    );
  });

  it('know no filter, docker’s own, and that of a privileged container', async () => {
    const filter = status('Seccomp');
    expect(await fixture.shell([], filter)).to.equal('2');
    expect(await fixture.shell(['--security-opt', 'seccomp=unconfined'], filter)).to.equal('0');
    expect(await fixture.shell(['--security-opt', 'seccomp=builtin'], filter)).to.equal('2');
    expect(await fixture.shell(['--privileged'], filter)).to.equal('0');
  });

  it('set and take back no-new-privileges', async () => {
    const flag = status('NoNewPrivs');
    for (const [option, expected] of [
      ['no-new-privileges', '1'],
      ['no-new-privileges=true', '1'],
      ['no-new-privileges:false', '0'],
    ] as const) {
      expect(await fixture.shell(['--security-opt', option], flag), option).to.equal(expected);
    }
  });

  it('open masked and read-only paths, all or those that are not named', async () => {
    const probe =
      'grep -c " /proc/keys \\| /proc/sys " /proc/mounts; echo 1 2>/dev/null >/proc/sys/kernel/shm_rmid_forced && echo w; true';
    expect(await fixture.shell([], probe)).to.equal('2');
    expect(await fixture.shell(['--security-opt', 'systempaths=unconfined'], probe)).to.equal(
      '0\nw',
    );
  });

  it('make cgroups writable', async () => {
    const options =
      'grep " /sys/fs/cgroup[ /]" /proc/mounts | cut -d" " -f4 | cut -d, -f1 | sort -u';
    const access = (...list: string[]): Promise<string> =>
      fixture.shell([...list, '--cgroupns', 'private'], options);
    expect(await access()).to.contain('ro');
    expect(await access('--security-opt', 'writable-cgroups=true')).to.equal('rw');
    expect(await access('--privileged', '--security-opt', 'writable-cgroups=false')).to.contain(
      'ro',
    );
  });

  it('say when the kernel has no use for them', async function () {
    if (fs.existsSync('/sys/module/apparmor') || fs.existsSync('/sys/fs/selinux')) this.skip();
    const create = (option: string) =>
      fixture.docker('create', '--name', 'labelled', '--security-opt', option, fixture.busybox);
    for (const [option, warning] of [
      ['apparmor=mine', 'AppArmor is not enabled on this host. Profile mine discarded.'],
      ['label=type:x_t', 'SELinux is not enabled on this host. Label type:x_t discarded.'],
      ['apparmor=unconfined', ''],
      ['label=disable', ''],
    ] as const) {
      const { stderr } = await create(option);
      await fixture.ok('rm', 'labelled');
      expect(stderr.trim()).to.equal(warning === '' ? '' : `WARNING: ${warning}`);
    }
    expect(await fixture.fails('create', '--security-opt', 'nope=1', fixture.busybox)).to.contain(
      'invalid --security-opt 2: "nope=1"',
    );
  });
});
