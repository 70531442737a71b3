/**
 * Goes through a create without creating anything: what runs for the first time in a process takes several times as
 * long, and a process started ahead of time has that behind it.
 */
import { encodeProgram } from '#lib/loader/encode';
import { ProgramBuilder } from '#lib/loader/program';
import { readFailure, startLoader } from '#lib/loader/spawn-loader';
import { openCgroup } from '#lib/cgroup/cgroup';
import { detectCgroups } from '#lib/cgroup/layout';
import { waitPid } from '#lib/sys/posix-spawn';
import { defaultSeccompProfile } from '#spec/oci/default-seccomp';
import { defaultSpec } from '#spec/oci/default-spec';
import { parseRuntimeConfig } from '#spec/oci/runtime-config';
import { compileContainer } from '../compile/container-program.ts';
import { cgroupPath, noCgroup, placementOf } from './cgroups.ts';
import { seccompProgram } from './compile-options.ts';
import { gatherFacts, resolveSources } from './facts.ts';
import { homeDirectory } from './home-directory.ts';

/** After so many rounds a further one saves nothing more (measured). */
const rounds = 4;

const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';

/** Changes nothing. Takes some 50 ms. */
export function rehearseCreate(): void {
  for (let round = 0; round < rounds; round++) rehearseOnce();
}

/** A quarter of {@link rehearseCreate}. */
export function rehearseOnce(): void {
  compileDefault();
  startNothing();
}

function compileDefault(): void {
  const spec = defaultSpec();
  const seccompProfile = defaultSeccompProfile([], architecture);
  const written = { ...spec, linux: { ...spec.linux, seccomp: seccompProfile } };
  const config = resolveSources(parseRuntimeConfig(JSON.parse(JSON.stringify(written))), '/');
  const id = 'rehearsal';
  const cgroup =
    process.geteuid?.() === 0
      ? placementOf(openCgroup(detectCgroups(), cgroupPath(config, id)))
      : noCgroup;
  const seccomp = seccompProgram(config);
  const program = compileContainer({
    config,
    id,
    rootfs: '/',
    facts: gatherFacts(config, cgroup),
    fifo: '/exec.fifo',
    rootMount: '/rootfs',
    noPivot: false,
    noNewKeyring: false,
    preservedDescriptors: 0,
    home: homeDirectory('/', config.process),
    ...(seccomp && { seccomp }),
  });
  encodeProgram(program, architecture);
}

/** A program without operations: the loader ends at once. */
function startNothing(): void {
  const program = new ProgramBuilder().build();
  const loader = startLoader(program, { argv0: 'runtime' });
  readFailure(program, loader);
  waitPid(loader.pid);
}
