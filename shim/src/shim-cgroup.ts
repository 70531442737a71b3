/** The option `shim_cgroup`: a cgroup for the shim itself. */
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import { openCgroup } from '#lib/cgroup/cgroup';
import { cgroupDirectories, detectCgroups } from '#lib/cgroup/layout';
import type { Any } from '#proto/generated/google.protobuf';
import { parseOptions } from './runtime-options.ts';

/** Moves a shim into the group that the runtime's options name, if any. Throws not_found unless it exists. */
export function joinShimCgroup(pid: number, options: Any | undefined): void {
  const { shimCgroup } = parseOptions(options);
  if (shimCgroup === '') return;
  const directories = cgroupDirectories(openCgroup(detectCgroups(), shimCgroup)).filter(
    (directory) => fs.existsSync(directory),
  );
  if (directories.length === 0) {
    throw new StackError('not_found', `failed to load cgroup ${shimCgroup}: it does not exist`);
  }
  for (const directory of directories) {
    fs.writeFileSync(path.join(directory, 'cgroup.procs'), pid.toString());
  }
}
