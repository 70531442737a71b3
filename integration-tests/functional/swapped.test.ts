/**
 * The swap of what lies below the Engine API: engined over a real containerd with its own shim and runc, and a real dockerd over
 * containerd-lite, do what engined over containerd-lite does. The lives of their containers are in integration-tests/interop/.
 */
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { allChecks } from './all-checks.ts';
import { candidatePeers, startCandidate, type Cell } from './candidate.ts';
import { perform, type Candidate } from './check.ts';

/** What reaches through all layers, and may be lost between two of them. */
const wanted: ReadonlySet<string> = new Set([
  ...['run shows output', 'run -i hands input on', 'run says that a command is missing'],
  ...['run -m: the kernel ends what exceeds it', 'update changes a limit of what runs'],
  ...[
    'logs -f --tail -t',
    'exec ends with the exit code',
    'exec -it gives a terminal',
    'top',
    'stats',
  ],
  ...['pause and unpause', 'cp in and out', 'diff', 'commit', 'export', 'stop asks, wait tells'],
  ...['start and restart', 'kill', 'attach hands input on', 'create, then start -a'],
  ...['a health check', 'a health check that fails', '--restart on-failure:3 gives up'],
  ...['run -d --rm removes it at its end', '--log-opt max-size max-file rotates'],
  ...['a new volume begins with what the image has there', 'a volume in use is not removed'],
  ...['a folder of the host', '--mount type=tmpfs', '--volumes-from', 'a volume with options'],
  ...['names and aliases on a user-defined network', 'network connect and disconnect'],
  ...['--network container:', '-p: from loopback', '-p: from another machine'],
  ...['tag and rmi', 'history', 'push, rmi and pull', 'rmi refuses what a container uses'],
]);

const checks = Object.values(allChecks)
  .flat()
  .filter(({ name }) => wanted.has(name));

for (const cell of [
  'engined over a real containerd',
  'dockerd over containerd-lite',
] satisfies Cell[]) {
  describe(cell, function () {
    this.timeout(120_000);
    const ends: (() => Promise<unknown>)[] = [];
    let candidate: Candidate;

    before(async function () {
      this.timeout(600_000);
      needRoot(this);
      needPeers(this, ...candidatePeers);
      candidate = await startCandidate(cell, ends);
    });

    after(async () => {
      for (const end of ends.reverse()) await end();
    });

    it('is asked for everything on the list', () => {
      expect(checks.map(({ name }) => name)).to.have.members([...wanted]);
    });

    for (const check of checks) {
      it(check.name, async () => {
        const { passed, text } = await perform(check, candidate);
        expect(passed, text).to.equal(true);
      });
    }
  });
}
