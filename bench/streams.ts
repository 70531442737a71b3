/** Output of containers: through an attached client, through a log, and a log read back. */
import { executablePath } from '#lib/installation/installation';
import { RealDocker } from '../integration-tests/harness/real-docker.ts';
import { Stack } from '../integration-tests/harness/stack.ts';
import { measure, timeCommand, type Contender, type Figure } from './measure.ts';

const mebibyte = 1024 ** 2;

/** What a container writes: zeros, which json-file writes as six bytes each, and lines of 80 bytes. */
const zeros = (mebibytes: number): string[] => [
  'head',
  '-c',
  String(mebibytes * mebibyte),
  '/dev/zero',
];
/** The same in large blocks: busybox's head needs more than a second for 512 MiB, whoever reads them. */
const blocks = (mebibytes: number): string[] => [
  'dd',
  'if=/dev/zero',
  'bs=64k',
  `count=${mebibytes * 16}`,
];
const lines = (mebibytes: number): string[] => [
  'sh',
  '-c',
  `yes ${'x'.repeat(79)} | head -c ${mebibytes * mebibyte}`,
];

/** `registry` is an address with the images of scripts/dev-registry. */
export async function measureStreams(registry: string, rounds: number): Promise<Figure[]> {
  const image = `${registry}/busybox`;
  const docker = await RealDocker.start();
  const stack = await Stack.start();
  try {
    await stack.engineOk('pull', '-q', image);
    await docker.dockerOk('pull', '-q', image);
    const inAll = (...args: string[]): Contender[] => [
      {
        name: 'engine',
        run: () => timeCommand(executablePath('engine'), args, { ENGINE_HOST: stack.host }),
      },
      {
        name: 'docker CLI on engined',
        run: () => timeCommand('docker', ['-H', stack.host, ...args]),
      },
      { name: 'docker', run: () => timeCommand('docker', ['-H', docker.host, ...args]) },
    ];
    const attached = (driver: string, command: readonly string[]): Contender[] =>
      inAll('run', '--rm', '--network', 'none', '--log-driver', driver, image, ...command);
    const few = Math.min(rounds, 3);
    const figures = [
      ...(await measure('512 MiB attached, no log', attached('none', zeros(512)), few)),
      ...(await measure(
        '512 MiB attached in blocks of 64 KiB, no log',
        attached('none', blocks(512)),
        few,
      )),
      ...(await measure(
        '64 MiB of zeros attached, json-file',
        attached('json-file', zeros(64)),
        few,
      )),
      ...(await measure(
        '64 MiB of lines attached, json-file',
        attached('json-file', lines(64)),
        few,
      )),
    ];
    const written = ['--name', 'lines', '--network', 'none', image, 'seq', '1', '200000'];
    await stack.engineOk('run', ...written);
    await docker.dockerOk('run', ...written);
    figures.push(...(await measure('logs of 200,000 lines', inAll('logs', 'lines'), rounds)));
    await docker.dockerOk('rm', 'lines');
    return figures;
  } finally {
    await stack.stop();
    await docker.stop();
  }
}
