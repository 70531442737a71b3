/** Whole stacks: ours, dockerd's, and containerd's with ctr; short commands first, then many containers, then who answers meanwhile. */
import { executablePath } from '#lib/installation/installation';
import { runOk } from '../integration-tests/harness/command.ts';
import { RealDocker } from '../integration-tests/harness/real-docker.ts';
import { Stack } from '../integration-tests/harness/stack.ts';
import { measureCrowd } from './crowd.ts';
import { measureResponsiveness } from './responsiveness.ts';
import { measure, timeCommand, type Contender, type Figure } from './measure.ts';

/** Two stacks that have the image `busybox` of a registry, both in docker's and in ctr's namespace. */
export interface Stacks {
  readonly stack: Stack;
  readonly docker: RealDocker;
  /** `127.0.0.1:PORT` */
  readonly registry: string;
  readonly image: string;
}

/** `registry` is an address with the images of scripts/dev-registry. */
export async function measureEngines(registry: string, rounds: number): Promise<Figure[]> {
  const image = `${registry}/busybox`;
  const docker = await RealDocker.start();
  const stack = await Stack.start({ quiet: true }); // as the peers
  const stacks: Stacks = { stack, docker, registry, image };
  try {
    await stack.engineOk('pull', '-q', image);
    await docker.dockerOk('pull', '-q', image);
    for (const address of [docker.containerdAddress, stack.containerdAddress]) {
      await runOk('ctr', ['-a', address, 'images', 'pull', '--plain-http', `${image}:latest`]);
    }
    return [
      ...(await measureRuns(stacks, rounds)),
      ...(await measureCtr(stacks, rounds)),
      ...(await measureCommands(stacks, rounds)),
      ...(await measureCrowd(stacks, Math.min(rounds, 3))),
      ...(await measureResponsiveness(stacks)),
    ];
  } finally {
    await stack.stop();
    await docker.stop();
  }
}

/** The same docker command line by all three. Our own first, for what is divided by it; docker's CLI on ours is the aim. */
function inAll({ stack, docker }: Stacks, ...args: string[]): Contender[] {
  const ours = { ENGINE_HOST: stack.host };
  return [
    {
      name: 'docker CLI on engined',
      run: () => timeCommand('docker', ['-H', stack.host, ...args]),
    },
    { name: 'engine', run: () => timeCommand(executablePath('engine'), args, ours) },
    { name: 'docker', run: () => timeCommand('docker', ['-H', docker.host, ...args]) },
  ];
}

async function measureRuns(stacks: Stacks, rounds: number): Promise<Figure[]> {
  const run = (...flags: string[]) => inAll(stacks, 'run', '--rm', ...flags, stacks.image, 'true');
  return [
    ...(await measure('run --rm true, default bridge', run(), rounds)),
    ...(await measure('run --rm true, no network', run('--network', 'none'), rounds)),
  ];
}

/** Apart from the others, because the shims that stand by are for whoever comes first. */
async function measureCtr(stacks: Stacks, rounds: number): Promise<Figure[]> {
  const { stack, docker, registry, image } = stacks;
  const peers = [
    ['containerd-lite', stack.containerdAddress, 'io.containerd.lite.v2'],
    ['containerd, runc', docker.containerdAddress, 'io.containerd.runc.v2'],
  ] as const;
  let count = 0;
  const runs = peers.map(([name, address, runtime]): Contender => ({
    name: `ctr, ${name}`,
    run: () => {
      const flags = ['-a', address, 'run', '--rm', '--runtime', runtime];
      return timeCommand('ctr', [...flags, `${image}:latest`, `bench${count++}`, 'true']);
    },
  }));
  const large = `${registry}/debian:latest`;
  const pulls = peers.map(([name, address]): Contender => ({
    name,
    run: async () => {
      const pull = ['-a', address, 'images', 'pull', '--plain-http', large];
      const milliseconds = await timeCommand('ctr', pull);
      await runOk('ctr', ['-a', address, 'images', 'rm', '--sync', large]);
      return milliseconds;
    },
  }));
  return [
    ...(await measure('ctr run --rm true', runs, rounds)),
    ...(await measure('pull and unpack debian, by ctr', pulls, Math.min(rounds, 5))),
  ];
}

async function measureCommands(stacks: Stacks, rounds: number): Promise<Figure[]> {
  const { stack, docker, image } = stacks;
  const inBoth = async (...args: string[]) => {
    await stack.engineOk(...args);
    await docker.dockerOk(...args);
  };
  const none = ['--network', 'none', image];
  await inBoth('run', '-d', '--name', 'bench', ...none, 'sleep', '1000');
  const figures = [
    ...(await measure('exec true', inAll(stacks, 'exec', 'bench', 'true'), rounds)),
    ...(await measure('ps', inAll(stacks, 'ps'), rounds)),
  ];
  await inBoth('rm', '-f', 'bench');
  return figures;
}
