/** The runtime on cgroup v2: the checks of guest/, run in a virtual machine by scripts/vm-test. */
import path from 'node:path';
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { skip } from '../harness/peers.ts';
import { checks } from './guest/checks.ts';

const command = path.resolve(import.meta.dirname, '../../scripts/vm-test');
/** Somewhat more than the command itself gives its two machines. */
const timeoutMs = 1_260_000;

/** What one check said; `reason` has several lines. */
interface Outcome {
  readonly passed: boolean;
  readonly reason: string;
}

describe('the runtime in a virtual machine with cgroup v2', () => {
  let outcomes: ReadonlyMap<string, Outcome>;
  let output = '';

  before(async function () {
    this.timeout(timeoutMs);
    if (process.env['VM_TEST'] !== '1') {
      skip(this, 'takes minutes: make vm-test', { allowedInCi: true });
    }
    const result = await run(command, [], { timeoutMs });
    const skipped = /^1\.\.0 # SKIP (.*)$/m.exec(result.stdout)?.[1];
    if (skipped !== undefined) skip(this, skipped);
    output = `${result.stdout}${result.stderr}`;
    outcomes = parseTap(result.stdout);
  });

  for (const { name } of checks) {
    it(name, () => {
      const outcome = outcomes.get(name);
      if (!outcome) expect.fail(`the machine ended before this check: ${output}`);
      expect(outcome.passed, outcome.reason).to.equal(true);
    });
  }
});

/** By name of the check. A `not ok` line is followed by its reason in lines that start with `#`. */
function parseTap(text: string): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  let last = '';
  for (const line of text.split('\n')) {
    const [, not, name] = /^(not )?ok \d+ - (.*?)(?: # \d+ ms)?$/.exec(line) ?? [];
    if (name !== undefined) {
      last = name;
      outcomes.set(name, { passed: not === undefined, reason: '' });
    } else if (line.startsWith('  # ')) {
      const outcome = outcomes.get(last);
      if (outcome)
        outcomes.set(last, { ...outcome, reason: `${outcome.reason}${line.slice(4)}\n` });
    }
  }
  return outcomes;
}
