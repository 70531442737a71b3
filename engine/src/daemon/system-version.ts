/** `GET /version`: this engine and what it works with. */
import { version as engineVersion } from '#lib/installation/installation';
import { newestApiVersion, oldestApiVersion } from '../http/api-version.ts';
import type { Engine } from './engine.ts';
import type { RuntimePrograms } from './runtime-programs.ts';

export async function describeVersion(
  { client, host, runtimes }: Engine,
  programs: RuntimePrograms,
): Promise<unknown> {
  const containerd = await client.version.version({}, { deadlineMs: 5000 });
  const { binaryName } = runtimes.resolve('');
  const runtime = await programs.version(binaryName);
  const common = {
    ApiVersion: newestApiVersion,
    MinAPIVersion: oldestApiVersion,
    GitCommit: '',
    // Not written in Go: the nearest to what is asked.
    GoVersion: `node ${process.version}`,
    Os: 'linux',
    Arch: host.goArchitecture,
    KernelVersion: host.kernelVersion,
    BuildTime: '',
  };
  return {
    Platform: { Name: 'Engine' },
    Version: engineVersion,
    ...common,
    Components: [
      {
        Name: 'Engine',
        Version: engineVersion,
        Details: { ...common, NodeVersion: process.version, Experimental: 'false' },
      },
      {
        Name: 'containerd',
        Version: containerd.version,
        Details: { GitCommit: containerd.revision },
      },
      {
        Name: runtimes.defaultName,
        Version: runtime?.version ?? '',
        Details: { GitCommit: runtime?.commit ?? '', Path: binaryName },
      },
      { Name: 'docker-init', Version: engineVersion, Details: { GitCommit: '' } },
    ],
  };
}
