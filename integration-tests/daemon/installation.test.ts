/** `make install`, the units, and engined as a service: it says when it is ready, and containers outlive its restart. */
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { DatagramSocket } from '#lib/sys/datagram-socket';
import { run, runOk } from '../harness/command.ts';
import { needPeers, needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { waitFor } from '../harness/wait.ts';

const script = path.resolve(import.meta.dirname, '../../scripts/install');

describe('an installation', () => {
  let folder: string;
  let prefix: string;

  /** `DESTDIR` and `PREFIX` as make has them. */
  function install(action: 'install' | 'uninstall') {
    return run(script, [action], { env: { DESTDIR: folder, PREFIX: '/opt/x' }, timeoutMs: 60_000 });
  }

  before(async function () {
    needRoot(this);
    folder = fs.mkdtempSync('/tmp/installation-');
    prefix = path.join(folder, 'opt/x');
    const { status, stderr } = await install('install');
    expect(status, stderr).to.equal(0);
  });

  after(async () => {
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it('has units that systemd understands', async function () {
    const { 'systemd-analyze': analyze } = needPeers(this, 'systemd-analyze');
    const units = path.join(prefix, 'lib/systemd/system');
    const service = path.join(units, 'engined.service');
    const text = fs.readFileSync(service, 'utf8');
    expect(text).to.include('ExecStart=/opt/x/bin/engined -H fd://');
    for (const line of ['Type=notify', 'KillMode=process', 'Delegate=yes', 'OOMScoreAdjust=-500']) {
      expect(text).to.include(`\n${line}\n`);
    }
    // systemd looks for the program where the unit says it is.
    fs.writeFileSync(service, text.replace('/opt/x', prefix));
    const checked = await run(analyze, ['verify', '--man=no', service, `${units}/engined.socket`], {
      env: { SYSTEMD_LOG_LEVEL: 'warning' },
    });
    fs.writeFileSync(service, text);
    const complaints = checked.stderr.split('\n').filter((line) => line.includes('engined'));
    expect(complaints).to.deep.equal([]);
    expect(checked.status, checked.stderr).to.equal(0);
  });

  it('runs as a service: says ready, reloading and stopping, and leaves containers running', async function () {
    this.timeout(60_000);
    const registry = await devRegistry(this);
    const notify = path.join(folder, 'notify');
    const socket = new DatagramSocket(notify);
    const root = path.join(folder, 'state');
    const host = `unix://${root}/engine.sock`;
    const messages: string[] = [];
    const heard = (text: string) =>
      waitFor(
        `"${text}"`,
        () => {
          const message = socket.receive();
          if (message !== undefined) messages.push(message);
          return messages.at(-1)?.startsWith(text) === true;
        },
        30_000,
      );
    const start = (): ChildProcess =>
      spawn(
        path.join(prefix, 'bin/engined'),
        [
          ...['-H', host, '--data-root', `${root}/data`, '--exec-root', `${root}/run`],
          ...['--bridge', 'none', '--config-file', `${folder}/daemon.json`],
        ],
        { stdio: 'ignore', env: { ...process.env, NOTIFY_SOCKET: notify } },
      );
    const end = async (engined: ChildProcess): Promise<void> => {
      const ended = new Promise((resolve) => engined.once('exit', resolve));
      engined.kill('SIGTERM'); // as KillMode=process does: nobody else
      await ended;
    };
    const engine = (...args: string[]) =>
      runOk(path.join(prefix, 'bin/engine'), ['-H', host, ...args]);

    fs.writeFileSync(`${folder}/daemon.json`, '{}');
    fs.mkdirSync(root);
    let engined = start();
    try {
      await heard('READY=1');
      const { stdout } = await engine(
        ...['run', '-d', '--network', 'none', `${registry}/busybox`, 'sleep', '1000'],
      );
      const id = stdout.trim();
      const pid = (await engine('inspect', '-f', '{{.State.Pid}}', id)).stdout.trim();
      expect(fs.readFileSync(`/proc/${pid}/environ`, 'utf8')).to.not.include('NOTIFY_SOCKET');
      engined.kill('SIGHUP');
      await heard('RELOADING=1\nMONOTONIC_USEC=');
      await heard('READY=1');
      await end(engined);
      await heard('STOPPING=1');
      expect(fs.existsSync(`/proc/${pid}`)).to.equal(true);
      engined = start();
      await heard('READY=1');
      const now = (await engine('inspect', '-f', '{{.State.Pid}} {{.State.Running}}', id)).stdout;
      expect(now.trim()).to.equal(`${pid} true`);
      await engine('rm', '-f', id);
    } finally {
      await end(engined);
      socket.close();
    }
  });

  it('does not overwrite what is not ours, and is gone afterwards but for the data', async () => {
    const foreign = path.join(prefix, 'bin/runtime');
    const target = fs.readlinkSync(foreign);
    fs.rmSync(foreign);
    fs.writeFileSync(foreign, 'somebody else');
    const refused = await install('install');
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.include('bin/runtime exists and is not ours');
    fs.rmSync(foreign);
    fs.symlinkSync(target, foreign);
    const again = await install('install');
    expect(again.status, again.stderr).to.equal(0);
    fs.mkdirSync(path.join(folder, 'var/lib/engine'), { recursive: true });
    expect((await install('uninstall')).status).to.equal(0);
    expect(fs.existsSync(path.join(folder, 'opt'))).to.equal(false);
    expect(fs.existsSync(path.join(folder, 'var/lib/engine'))).to.equal(true);
    expect((await install('uninstall')).status).to.equal(0);
  });
});
