/** The runtime inside a container: of its own making, with more and fewer rights, and of docker's. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { installationRoot } from '#lib/installation/installation';
import { capabilityNames } from '#spec/capabilities';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import { defaultSpec } from '#spec/oci/default-spec';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { runOk } from '../harness/command.ts';
import { needPeers } from '../harness/peers.ts';
import { RealDocker } from '../harness/real-docker.ts';
import { describeContainers } from './fixture.ts';

/** What Node needs of the host besides the installation. */
const libraries = ['/lib', '/lib64', '/usr'].filter((place) => fs.existsSync(place));

/** Runs the inner bundle in the foreground, then in the background with an exec. */
const script = `cd /inner
  /engine/bin/runtime run one; echo status $?
  /engine/bin/runtime create two > /dev/null 2>&1 && /engine/bin/runtime start two &&
    /engine/bin/runtime exec two echo entered
  /engine/bin/runtime delete --force two > /dev/null 2>&1
  true`;

describeContainers('in a container', (fixture) => {
  /** The bundle of the container inside, whose root lies on the host too. */
  function innerBundle(): string {
    const inner = path.join(fixture().bundle.directory, 'inner');
    fs.cpSync(fixture().rootfs, path.join(inner, 'rootfs'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    const config = defaultSpec();
    config.process = { ...config.process, terminal: false };
    config.process.args = ['sh', '-c', 'echo hello from $(hostname); [ $$ = 1 ] && sleep 0.5'];
    fs.writeFileSync(path.join(inner, 'config.json'), JSON.stringify(config));
    return inner;
  }

  function outer(change: (config: RuntimeConfig) => void = () => undefined) {
    const inner = innerBundle();
    return fixture().shell(script, (config) => {
      const all = [...capabilityNames];
      config.process.capabilities = { bounding: all, effective: all, permitted: all };
      delete config.linux!.maskedPaths;
      delete config.linux!.readonlyPaths;
      config.linux!.resources = {};
      config.root.readonly = false;
      const shared: [string, string][] = [
        ['/engine', installationRoot()],
        ...libraries.map((place): [string, string] => [place, place]),
      ];
      config.mounts!.push(
        ...shared.map(([destination, source]) => ({
          destination,
          source,
          type: 'bind',
          options: ['rbind', 'ro'],
        })),
        { destination: '/inner', source: inner, type: 'bind', options: ['rbind'] },
        { destination: '/run', source: 'tmpfs', type: 'tmpfs' },
      );
      const cgroups = config.mounts!.find(({ destination }) => destination === '/sys/fs/cgroup');
      if (cgroups) cgroups.options = ['nosuid', 'noexec', 'nodev'];
      change(config);
    });
  }

  const withReadonlyCgroups = ({ mounts }: RuntimeConfig) => {
    const cgroups = mounts!.find(({ destination }) => destination === '/sys/fs/cgroup');
    cgroups?.options?.push('ro');
  };
  const works = 'hello from runtime\nstatus 0\nentered\n';

  it('works with all rights, and makes its groups inside that of the outer one', () => {
    const { stdout, stderr } = outer();
    expect(stdout, stderr).to.equal(works);
    expect(stderr).not.to.contain('without a cgroup');
  });

  it('runs without groups where they are read-only, and says so', () => {
    const { stdout, stderr } = outer(withReadonlyCgroups);
    expect(stdout, stderr).to.equal(works);
    expect(stderr).to.contain('the container runs without a cgroup');
  });

  it('works in a user namespace, where the groups are those of somebody else', () => {
    const { stdout, stderr } = outer((config) => {
      const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux!.namespaces!.push({ type: 'user' });
      config.linux!.uidMappings = mapping;
      config.linux!.gidMappings = mapping;
      for (const root of [
        fixture().rootfs,
        path.join(fixture().bundle.directory, 'inner/rootfs'),
      ]) {
        fs.chownSync(root, 100_000, 100_000);
      }
    });
    expect(stdout, stderr).to.equal(works);
    expect(stderr).to.contain('the container runs without a cgroup');
  });

  it('says what is forbidden under the rights and the seccomp profile of an ordinary container', () => {
    const { stdout, stderr } = outer((config) => {
      const few = ['CAP_CHOWN', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SYS_CHROOT', 'CAP_MKNOD'];
      config.process.capabilities = { bounding: few, effective: few, permitted: few };
      config.linux!.seccomp = defaultSeccompProfile([], process.arch === 'arm64' ? 'arm64' : 'x64');
      withReadonlyCgroups(config);
    });
    expect(stdout).to.equal('status 1\n');
    expect(stderr).to.match(/linux\.namespaces.*EPERM \(operation not permitted\)/);
  });

  describe('of docker', function () {
    this.timeout(120_000);
    let docker: RealDocker | undefined;

    before(async function () {
      needPeers(this, 'docker', 'dockerd', 'containerd', 'ip');
      docker = await RealDocker.start({ ownNetns: true, arguments: ['--iptables=false'] });
    });
    after(() => docker?.stop());

    async function inDocker(...flags: string[]) {
      const inner = innerBundle();
      const archive = path.join(fixture().bundle.directory, 'image.tar');
      await runOk('tar', ['-C', fixture().rootfs, '-cf', archive, '.']);
      await docker?.dockerOk('import', archive, 'nested');
      const volumes = [
        `${installationRoot()}:/engine:ro`,
        `${inner}:/inner`,
        ...libraries.map((place) => `${fs.realpathSync(place)}:${place}:ro`),
      ].flatMap((volume) => ['-v', volume]);
      const command = ['run', '--rm', '--network', 'none', '--tmpfs', '/run', ...flags, ...volumes];
      return docker?.docker([...command, 'nested', 'sh', '-c', script]);
    }

    it('works with all rights but one that a machine may lack', async () => {
      const rights = ['--cap-add', 'ALL', '--cap-drop', 'SYS_RESOURCE'];
      const open = [
        '--security-opt',
        'seccomp=unconfined',
        '--security-opt',
        'systempaths=unconfined',
      ];
      const result = await inDocker(...rights, ...open);
      expect(result?.stdout, result?.stderr).to.equal(works);
    });

    it('says what is forbidden where it is not', async () => {
      const result = await inDocker();
      expect(result?.stdout).to.equal('status 1\n');
      expect(result?.stderr).to.match(/linux\.namespaces.*EPERM \(operation not permitted\)/);
    });
  });
});
