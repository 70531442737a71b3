/** `-H ssh://`: both command lines through a stand-in for ssh, which runs over here what it is told to run over there. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, runOk } from '../harness/command.ts';
import { needRoot, skip } from '../harness/peers.ts';
import { daemons, type Daemon } from './daemons.ts';

const docker = '/usr/local/bin/docker';
const engine = executablePath('engine');

for (const daemon of daemons) {
  describe(`-H ssh:// to ${daemon.name}`, () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ssh-'));
    let peer: Daemon | undefined;
    let socket = '';

    before(async function () {
      needRoot(this);
      if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
      peer = await daemon.start(this);
      socket = peer.host.replace('unix://', '');
      // Notes its arguments and runs what stands behind the host, as sshd does: in the user's shell, as one text.
      write(
        'bin/ssh',
        'printf "%s\\n" "$@" >>"$SSH_LOG"\nwhile [ "$1" != -- ]; do shift; done; shift 2; exec sh -c "$*"',
      );
    });
    after(async () => {
      await peer?.stop();
      fs.rmSync(folder, { recursive: true });
    });

    const write = (name: string, script: string) => {
      const file = path.join(folder, name);
      fs.mkdirSync(path.dirname(file), { recursive: true });
      fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    };
    /** What the machine over there has: `docker` always, `engine` where it is ours. */
    const far = (...programs: string[]) => {
      fs.rmSync(path.join(folder, 'far'), { recursive: true, force: true });
      for (const program of programs) {
        write(`far/${path.basename(program)}`, `exec ${program} "$@"`);
      }
      return {
        PATH: ['bin', 'far'].map((name) => path.join(folder, name)).join(':') + ':/usr/bin:/bin',
        SSH_LOG: path.join(folder, 'log'),
      };
    };
    const host = () => `ssh://me@far.example:2222${socket}`;

    it('carries calls, streams and hijacked connections, through engine over there', async () => {
      const env = far(engine);
      fs.rmSync(`${folder}/log`, { force: true });
      const line = ['-H', host(), 'run', '--rm', '-i', 'busybox:cli', 'sh', '-c', 'cat; exit 7'];
      const { status, stdout, stderr } = await run(engine, line, {
        env,
        input: 'through and back',
      });
      expect({ status, stdout, stderr }).to.deep.equal({
        status: 7,
        stdout: 'through and back',
        stderr: '',
      });
      const words = fs.readFileSync(`${folder}/log`, 'utf8').split('\n');
      expect(words.slice(0, 9)).to.deep.equal([
        ...['-o', 'ConnectTimeout=30', '-T', '-l', 'me', '-p', '2222', '--', 'far.example'],
      ]);
      const events = await runOk(engine, ['-H', host(), 'events', '--since', '1', '--until', '2'], {
        env,
      });
      expect(events.stdout).to.equal('');
    });

    it('goes through docker where there is no engine', async () => {
      const env = far('/usr/local/bin/docker');
      const { stdout } = await runOk(engine, ['-H', host(), 'version', '-f', '{{.Server.Os}}'], {
        env,
      });
      expect(stdout).to.equal('linux\n');
    });

    it('is served to docker by engine system dial-stdio', async () => {
      const env = far();
      write('far/docker', `exec ${engine} "$@"`);
      const line = ['-H', host(), 'run', '--rm', '-i', 'busybox:cli', 'cat'];
      // The script above stands where docker's own client is looked for.
      const { stdout } = await runOk(docker, line, { env, input: 'from docker' });
      expect(stdout).to.equal('from docker');
    });

    it('says what ssh said', async () => {
      const env = far();
      write('bin/ssh', 'echo "far.example: no route" >&2; exit 255');
      const { status, stderr } = await run(engine, ['-H', host(), 'ps'], { env });
      expect(status).to.equal(1);
      expect(stderr).to.match(
        /^error during connect: command \[ssh -o ConnectTimeout=30 -T -l me /,
      );
      expect(stderr).to.match(
        / has exited with exit status 255, make sure the URL is valid, and .*: stderr=far.example: no route\n\n?$/,
      );
      fs.rmSync(`${folder}/bin/ssh`);
      const missing = await run(engine, ['-H', host(), 'ps'], {
        env: { ...env, PATH: `${folder}/bin` },
      });
      expect(missing.stderr).to.include('spawn ssh ENOENT');
    });
  });
}
