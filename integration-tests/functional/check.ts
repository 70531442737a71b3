/** One thing that a user does with docker's command line, and what it must say: the same shell lines for every daemon. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, type CommandResult } from '../harness/command.ts';
import type { HostNetwork } from '../harness/host-network.ts';

export interface Check {
  /** What is done: completes the sentence "docker …". */
  readonly name: string;
  /**
   * For bash. `docker` speaks to the daemon in question, `$IMAGE` is busybox, `$REGISTRY` where it comes from, `$N` begins every
   * name that is made, `$W` is an empty folder; `outside COMMAND` runs on another machine ($OUTSIDE), whose way to this one is $HERE.
   * What the script leaves under these names is removed after it.
   */
  readonly script: string;
  /** Found in what the script prints, errors included; the script must end with 0 as well. */
  readonly prints?: RegExp;
}

/** A daemon with a machine's network to itself. */
export interface Candidate {
  readonly network: HostNetwork;
  /** DOCKER_HOST. */
  readonly host: string;
  readonly image: string;
}

export interface Outcome {
  readonly passed: boolean;
  /** Exit status and output, for people. */
  readonly text: string;
}

/** One address on each side of the link of a {@link HostNetwork}. */
const here = '10.213.0.1';

/** No check takes longer than this; one that hangs has failed. */
const limitMs = 40_000;

/** What all scripts begin with. Terminals are made by script(1), which has no input of its own. */
const prelude = `
outside() { nsenter --net=/run/netns/$OUTSIDE_NAME -- "$@"; }
in_terminal() { script -qec "$*" /dev/null </dev/null; }
until_prints() { # PATTERN COMMAND...: asks again until it does
  local pattern=$1 try; shift
  for try in $(seq 100); do "$@" 2>&1 | grep -Eq -- "$pattern" && return; sleep 0.1; done; "$@"; return 1
}
`;

let count = 0;

/** Does it, removes what it made, and says whether it did as expected. */
export async function perform(check: Check, candidate: Candidate): Promise<Outcome> {
  const names = `f${process.pid}x${++count}`;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'check-'));
  const env = {
    DOCKER_HOST: candidate.host,
    IMAGE: candidate.image,
    REGISTRY: candidate.image.split('/')[0],
    N: names,
    W: folder,
    HERE: here,
    OUTSIDE: candidate.network.outsideAddress,
    OUTSIDE_NAME: candidate.network.outsideName,
  };
  const bash = (script: string): Promise<CommandResult> =>
    run(
      'nsenter',
      [`--net=/run/netns/${candidate.network.name}`, '--', 'bash', '-c', prelude + script],
      { env, timeoutMs: limitMs, cwd: folder },
    );
  try {
    const { status, stdout, stderr } = await bash(`{ ${check.script}\n} 2>&1`);
    const passed = status === 0 && (check.prints?.test(stdout) ?? true);
    return { passed, text: `status ${String(status)}: ${(stdout + stderr).trim()}` };
  } catch (error) {
    return { passed: false, text: String(error) };
  } finally {
    await bash(removal);
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const removal = `
docker rm -fv $(docker ps -aq --filter name=$N) 2>/dev/null
for kind in network volume; do docker $kind rm $(docker $kind ls -q --filter name=$N); done 2>/dev/null
docker rmi -f $(docker images --format '{{.Repository}}:{{.Tag}}' | grep $N) 2>/dev/null
true`;
