/**
 * A process of a container that tries without pause to read and open what /proc shows of those who come in: execs, and
 * further containers in its pid namespace. It has the capabilities that they have, and must see nothing of the host.
 * `ATTACKED_ROUNDS=1000` keeps it up for longer.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { capabilityNames } from '#spec/capabilities';
import type { RuntimeConfig } from '#spec/oci/runtime-config';
import { waitFor } from '../harness/wait.ts';
import { describeContainers } from '../runtime/fixture.ts';
import { ServingRuntime } from '../runtime/serving-runtime.ts';
import type { Report } from './attacker.ts';

const rounds = Number(process.env['ATTACKED_ROUNDS'] ?? 150);
const secret = `secret-of-the-host-${process.pid}`;

describeContainers('an attacker in a container', (fixture) => {
  let server: ServingRuntime;

  beforeEach(() => {
    server = new ServingRuntime(['env', `SECRET=${secret}`, executablePath('runtime'), 'serve']);
  });
  afterEach(() => server.end());

  const call = (...args: string[]): Promise<number | undefined> => {
    const { bundle } = fixture();
    return server.call({ args: ['--root', bundle.root, ...args], cwd: bundle.directory });
  };

  /** A Node of the host's, with what it needs of the host's libraries. */
  function configureAttacker(change: (config: RuntimeConfig) => void): void {
    const { bundle, rootfs } = fixture();
    const node = path.join(path.dirname(executablePath('runtime')), '../lib/node');
    const libraries = ['/lib', '/lib64', '/usr/lib'].filter((folder) => fs.existsSync(folder));
    fs.copyFileSync(path.join(import.meta.dirname, 'attacker.ts'), `${rootfs}/attacker.mts`);
    bundle.configure(['/node', '/attacker.mts', '1'], (config) => {
      config.root.readonly = false;
      const binds = [
        ...libraries.map((folder) => [folder, folder]),
        [fs.realpathSync(node), '/node'],
      ];
      for (const [source = '', destination = ''] of binds) {
        config.mounts!.push({ destination, type: 'bind', source, options: ['rbind', 'ro'] });
      }
      change(config);
    });
  }

  async function attacked(enter: () => Promise<void>): Promise<Report> {
    const { id, rootfs } = fixture();
    expect(await call('create', id)).to.equal(0);
    expect(await call('start', id)).to.equal(0);
    await waitFor('the attacker', () => fs.existsSync(path.join(rootfs, 'ready')));
    for (let round = 0; round < rounds; round++) await enter();
    fs.writeFileSync(path.join(rootfs, 'stop'), '');
    const file = path.join(rootfs, 'report');
    await waitFor('the report', () => fs.existsSync(file));
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Report;
  }

  function expectNothingSeen(report: Report): void {
    const { bundle } = fixture();
    expect(report.loadersSeen, 'moments at which somebody was on the way in').to.be.above(0);
    expect(report.ofLoaders).to.deep.equal([]);
    // Of whom it saw at the moment of execve: only what the command itself has.
    const ofHost = [secret, bundle.directory, path.dirname(executablePath('runtime')), 'memfd:'];
    const seen = report.ofOthers.filter((line) => ofHost.some((text) => line.includes(text)));
    expect(seen).to.deep.equal([]);
  }

  const capabilities = (names: readonly string[]) => (config: RuntimeConfig) => {
    const set = [...names];
    config.process.capabilities = { bounding: set, effective: set, permitted: set };
  };

  it(`sees nothing of ${rounds} execs`, async function () {
    this.timeout(60_000 + rounds * 1000);
    configureAttacker(capabilities(dockerCapabilities));
    expectNothingSeen(
      await attacked(async () => {
        expect(await call('exec', '--detach', fixture().id, 'true')).to.equal(0);
      }),
    );
  });

  it(`nor with all capabilities of its user namespace`, async function () {
    this.timeout(60_000 + rounds * 1000);
    const { rootfs } = fixture();
    fs.chmodSync(rootfs, 0o777);
    configureAttacker((config) => {
      capabilities(capabilityNames)(config);
      const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      config.linux!.namespaces!.push({ type: 'user' });
      Object.assign(config.linux!, { uidMappings: ids, gidMappings: ids });
    });
    expectNothingSeen(
      await attacked(async () => {
        expect(await call('exec', '--detach', fixture().id, 'true')).to.equal(0);
      }),
    );
  });

  it(`nor of ${rounds} containers that come into its pid namespace`, async function () {
    this.timeout(60_000 + rounds * 2000);
    const { bundle, id } = fixture();
    configureAttacker(capabilities(dockerCapabilities));
    let joined = false;
    expectNothingSeen(
      await attacked(async () => {
        if (!joined) {
          const { pid } = JSON.parse(bundle.run(['state', id]).stdout) as { pid: number };
          bundle.configure(['true'], ({ linux }) => {
            linux!.namespaces!.find(({ type }) => type === 'pid')!.path = `/proc/${pid}/ns/pid`;
          });
          joined = true;
        }
        expect(await call('create', `${id}-guest`)).to.equal(0);
        expect(await call('delete', '--force', `${id}-guest`)).to.equal(0);
      }),
    );
  });
});

/** Those that docker gives. */
const dockerCapabilities = [
  ...['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW'],
  ...['CAP_SETGID', 'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE'],
  ...['CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE'],
];
