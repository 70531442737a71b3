/** Words that shells offer: of commands, of flags, and of what the daemon has. */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, runOk } from '../harness/command.ts';
import { needRoot, skip } from '../harness/peers.ts';
import { daemons, type Daemon } from './daemons.ts';

const docker = '/usr/local/bin/docker';
const engine = executablePath('engine');

describe('completion', () => {
  let peer: Daemon | undefined;

  before(async function () {
    needRoot(this);
    peer = await daemons[0]?.start(this);
    await peer?.ok('run', '-d', '--name', 'completion-up', 'busybox:cli', 'sleep', '1000');
    await peer?.ok('create', '--name', 'completion-made', 'busybox:cli');
    await peer?.ok('volume', 'create', 'completion-volume');
    await peer?.ok('network', 'create', 'completion-network');
  });
  after(async () => {
    await peer?.engine(['rm', '-f', 'completion-up', 'completion-made']);
    await peer?.engine(['volume', 'rm', 'completion-volume']);
    await peer?.engine(['network', 'rm', 'completion-network']);
    await peer?.stop();
  });

  const ask = async (program: string, words: readonly string[]) => {
    const { stdout } = await run(program, ['__complete', '-H', peer?.host ?? '', ...words]);
    const lines = stdout.trimEnd().split('\n');
    return { words: lines.slice(0, -1).sort(), directive: lines.at(-1) };
  };

  for (const line of [
    ['ps', '--no'],
    ['container', 'ls', '--l'],
    ['network', ''],
    ['volume', ''],
    ['context', 'u'],
    ['exec', 'completion-'],
    ['stop', 'completion-'],
    ['rm', 'completion-'],
    ['rm', '-f', 'completion-'],
    ['start', 'completion-'],
    ['logs', 'completion-'],
    ['exec', '-it', '--user', 'root', 'completion-'],
    ['rmi', 'busybox:c'],
    ['tag', 'busybox:c'],
    ['volume', 'rm', 'completion-'],
    ['network', 'inspect', 'completion-'],
    ['run', '--network', 'completion-'],
    ['run', '--volumes-from', 'completion-'],
    ['run', 'busybox:c'],
  ]) {
    it(`offers for ${line.join(' ')} what docker does`, async function () {
      if (!fs.existsSync(docker)) skip(this, `needs ${docker}`, { allowedInCi: true });
      const all = await ask(docker, line);
      // docker leaves it to the shell to compare with what was typed.
      const theirs = { words: all.words.filter((word) => word.startsWith(line.at(-1) ?? '')) };
      const ours = await ask(engine, line);
      const renamed = theirs.words.map((word) => word.replace('docker context', 'engine context'));
      const expected =
        line[0] === 'context' ? renamed.map((word) => word.replace('docker', 'engine')) : renamed;
      expect(ours.words).to.deep.equal(
        expected.filter((word) => !word.startsWith('update\tUpdate a volume')),
      );
      expect(ours.words).to.not.deep.equal([]);
      expect(ours.directive).to.equal(':4');
    });
  }

  it('leaves the rest to files, and says where nothing can be found out', async () => {
    expect(await ask(engine, ['load', '-i', ''])).to.deep.equal({ words: [], directive: ':0' });
    expect(await ask(engine, ['frob', ''])).to.deep.equal({ words: [], directive: ':4' });
    const nobody = await run(engine, ['-H', 'unix:///no/socket', 'ps']);
    expect(nobody.status).to.equal(1);
    const { stdout } = await run(engine, ['__complete', '-H', 'unix:///no/socket', 'rm', '']);
    expect(stdout).to.equal(':1\n');
  });

  it('works in bash, also where bash cuts words at colons', async () => {
    const tab = async (line: string): Promise<string[]> => {
      const script = `PATH=${path.dirname(engine)}:$PATH; source <(engine completion bash)
        COMP_LINE=$1 COMP_POINT=\${#1}; IFS=' ' read -ra COMP_WORDS <<<"\${1//:/ : }"
        [[ $1 == *' ' ]] && COMP_WORDS+=("")
        COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); __engine_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = { DOCKER_HOST: peer?.host };
      const { stdout, stderr } = await runOk('bash', ['-c', script, 'bash', line], { env });
      expect(stderr).to.equal('');
      return stdout.trimEnd().split('\n').sort();
    };
    expect(await tab('engine rm -f completion-')).to.deep.equal([
      'completion-made',
      'completion-up',
    ]);
    expect(await tab('engine exec completion-')).to.deep.equal(['completion-up']);
    expect(await tab('engine rmi busybox:c')).to.deep.equal(['cli']);
    expect(await tab('engine rmi busybox:')).to.deep.equal(['cli']);
    expect(await tab('engine ps --no')).to.deep.equal(['--no-trunc']);
    expect(await tab('engine network con')).to.deep.equal(['connect']);
    expect(await tab('engine ver')).to.deep.equal(['version']);
  });
});
