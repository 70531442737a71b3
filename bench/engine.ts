/** `run --rm true` and `exec true` through whole stacks: ours, dockerd's, and containerd's with ctr. */
import { executablePath } from '#lib/installation/installation';
import { runOk } from '../integration-tests/harness/command.ts';
import { RealDocker } from '../integration-tests/harness/real-docker.ts';
import { Stack } from '../integration-tests/harness/stack.ts';
import { measure, timeCommand, type Contender, type Figure } from './measure.ts';

/** `registry` is an address with the images of scripts/dev-registry. */
export async function measureEngines(registry: string, rounds: number): Promise<Figure[]> {
  const image = `${registry}/busybox`;
  const docker = await RealDocker.start();
  const stack = await Stack.start();
  try {
    await stack.engineOk('pull', '-q', image);
    await docker.dockerOk('pull', '-q', image);
    const addresses = { containerd: docker.containerdAddress, lite: stack.containerdAddress };
    for (const address of Object.values(addresses)) {
      await runOk('ctr', ['-a', address, 'images', 'pull', '--plain-http', `${image}:latest`]);
    }
    const engine = (...args: string[]) =>
      timeCommand(executablePath('engine'), args, { ENGINE_HOST: stack.host });
    const dockerOnOurs = (...args: string[]) => timeCommand('docker', ['-H', stack.host, ...args]);
    const dockerOnTheirs = (...args: string[]) =>
      timeCommand('docker', ['-H', docker.host, ...args]);
    const inAll = (...args: string[]): Contender[] => [
      { name: 'engine', run: () => engine(...args) },
      { name: 'docker CLI on engined', run: () => dockerOnOurs(...args) },
      { name: 'docker', run: () => dockerOnTheirs(...args) },
    ];
    let count = 0;
    const ctrOn = (name: string, address: string, runtime: string): Contender => ({
      name,
      run: () =>
        timeCommand('ctr', [
          ...['-a', address, 'run', '--rm', '--runtime', runtime],
          ...[`${image}:latest`, `bench${count++}`, 'true'],
        ]),
    });
    const ctr = ctrOn('ctr, containerd, runc', addresses.containerd, 'io.containerd.runc.v2');
    const ctrOnLite = ctrOn('ctr, containerd-lite', addresses.lite, 'io.containerd.lite.v2');
    const pullOn = (name: string, address: string): Contender => ({
      name,
      run: async () => {
        const large = `${registry}/debian:latest`;
        const pull = ['-a', address, 'images', 'pull', '--plain-http', large];
        const milliseconds = await timeCommand('ctr', pull);
        await runOk('ctr', ['-a', address, 'images', 'rm', '--sync', large]);
        return milliseconds;
      },
    });
    const figures = [
      ...(await measure(
        'run --rm true, default bridge',
        inAll('run', '--rm', image, 'true'),
        rounds,
      )),
      ...(await measure(
        'run --rm true, no network',
        inAll('run', '--rm', '--network', 'none', image, 'true'),
        rounds,
      )),
      // Apart from the others, because the shims that stand by are for whoever comes first.
      ...(await measure('ctr run --rm true', [ctr, ctrOnLite], rounds)),
    ];
    figures.push(
      ...(await measure(
        'pull and unpack debian, by ctr',
        [pullOn('containerd', addresses.containerd), pullOn('containerd-lite', addresses.lite)],
        Math.min(rounds, 5),
      )),
    );
    await stack.engineOk(
      'run',
      '-d',
      '--name',
      'bench',
      '--network',
      'none',
      image,
      'sleep',
      '1000',
    );
    await docker.dockerOk(
      'run',
      '-d',
      '--name',
      'bench',
      '--network',
      'none',
      image,
      'sleep',
      '1000',
    );
    figures.push(...(await measure('exec true', inAll('exec', 'bench', 'true'), rounds)));
    figures.push(...(await measure('ps', inAll('ps'), rounds)));
    await docker.dockerOk('rm', '-f', 'bench');
    return figures;
  } finally {
    await stack.stop();
    await docker.stop();
  }
}
