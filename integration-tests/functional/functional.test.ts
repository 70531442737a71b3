/**
 * What a user does with docker's command line, against a real dockerd and against engined in the same run: whatever works there
 * works here. Checks that dockerd fails on this machine (for want of a capability, say) are told of and ask nothing of us.
 */
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { allChecks } from './all-checks.ts';
import { candidatePeers, startCandidate } from './candidate.ts';
import { perform, type Candidate, type Outcome } from './check.ts';
import { notBuilt } from './not-built.ts';

describe('docker, as with dockerd', function () {
  this.timeout(120_000);
  const ends: (() => Promise<unknown>)[] = [];
  let dockerd: Candidate;
  let engined: Candidate;
  const told: string[] = [];

  before(async function () {
    this.timeout(600_000);
    needRoot(this);
    needPeers(this, ...candidatePeers);
    dockerd = await startCandidate('dockerd', ends);
    engined = await startCandidate('engined', ends);
  });

  after(async () => {
    for (const end of ends.reverse()) await end();
    for (const line of told) console.log(`      ${line}`);
  });

  for (const [subject, checks] of Object.entries(allChecks)) {
    describe(subject, () => {
      for (const check of checks) {
        it(check.name, async () => {
          const [there, here] = await Promise.all([
            perform(check, dockerd),
            perform(check, engined),
          ]);
          const known = notBuilt.has(check.name);
          if (!there.passed) told.push(`dockerd does not, engined ${does(here)}: ${check.name}`);
          if (known && here.passed) told.push(`not-built.ts, but works: ${check.name}`);
          if (known || !there.passed) return;
          expect(here.passed, `engined: ${here.text}\ndockerd: ${there.text}`).to.equal(true);
        });
      }
    });
  }
});

function does({ passed }: Outcome): string {
  return passed ? 'does' : 'does not';
}
