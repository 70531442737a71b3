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
    await runOk('ctr', [
      '-a',
      docker.containerdAddress,
      'images',
      'pull',
      '--plain-http',
      `${image}:latest`,
    ]);
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
    const ctr: Contender = {
      name: 'ctr (runc)',
      run: () =>
        timeCommand('ctr', [
          '-a',
          docker.containerdAddress,
          'run',
          '--rm',
          `${image}:latest`,
          `bench${count++}`,
          'true',
        ]),
    };
    const figures = [
      ...(await measure(
        'run --rm true, default bridge',
        inAll('run', '--rm', image, 'true'),
        rounds,
      )),
      ...(await measure(
        'run --rm true, no network',
        [...inAll('run', '--rm', '--network', 'none', image, 'true'), ctr],
        rounds,
      )),
    ];
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
