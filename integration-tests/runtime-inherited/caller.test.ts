/** What the caller of the runtime has must come through, or be put right, exactly as runc has it. */
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run } from '../harness/command.ts';
import { findPeer, needPeers } from '../harness/peers.ts';
import { describeContainers } from '../runtime/fixture.ts';
import { parseProbe, probeScript } from './probe.ts';

/** Shell code before the runtime, and what of the process tells whether it came through. */
const callers: Readonly<Record<string, string>> = {
  'as it is': '',
  'with a nice value': 'renice -n 5 $$ > /dev/null;',
  'with an umask': 'umask 077;',
  'with ignored signals': "trap '' HUP INT TERM USR1 PIPE;",
  'with few open files': 'ulimit -Sn 512;',
  'with no core dumps and a small stack': 'ulimit -Sc 0; ulimit -Ss 4096;',
};

describeContainers('a container whose caller runs', (fixture) => {
  before(function () {
    needPeers(this, 'runc');
  });

  for (const [title, code] of Object.entries(callers)) {
    it(title, async () => {
      const { bundle, id } = fixture();
      bundle.configure(['sh', '-c', probeScript], ({ process, linux }) => {
        delete process.rlimits;
        linux!.cgroupsPath = `/${id}`;
      });
      const probe = async (runtime: string, root: string) => {
        const line = `${code} exec "$0" --root "$1" run "$2"`;
        const args = ['-c', line, runtime, root, id];
        const { stdout, stderr } = await run('/bin/bash', args, { cwd: bundle.directory });
        expect(stdout, stderr).to.contain('=== end');
        return parseProbe(stdout);
      };
      const ofRunc = await probe(findPeer('runc') ?? 'runc', `${bundle.directory}/runc`);
      const ours = await probe(executablePath('runtime'), bundle.root);
      expect(comparable(ours)).to.deep.equal(comparable(ofRunc));
      if (!code.includes('ulimit -Sn')) return;
      expect(ours['limits Max open files']).to.match(/^512 /);
    });
  }
});

/**
 * Without the standard streams, which runc copies through pipes of its own in the foreground, and without the limit of
 * open files, whose soft part a runc of Go 1.19 raises.
 */
function comparable(probe: Readonly<Record<string, string>>): Record<string, string> {
  const differs = /^descriptors [012]$|^fdinfo|^limits Max open files/;
  return Object.fromEntries(Object.entries(probe).filter(([name]) => !differs.test(name)));
}
