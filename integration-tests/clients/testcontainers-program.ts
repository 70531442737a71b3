/**
 * Started by testcontainers.test.ts with DOCKER_HOST and IMAGE: prints one line of JSON with what each step gave.
 * A process of its own, because testcontainers reads its environment once and keeps its client.
 */
import { text } from 'node:stream/consumers';
import { GenericContainer, Network, Wait } from 'testcontainers';

const image = process.env['IMAGE'] ?? '';
const serve = 'echo serving on 8080; exec httpd -f -p 8080 -h /w';
const page = { content: 'hello from inside\n', target: '/w/index.html' };
const server = () =>
  new GenericContainer(image)
    .withCommand(['sh', '-c', serve])
    .withExposedPorts(8080)
    .withCopyContentToContainer([page]);

const network = await new Network().start();
const byLog = await server()
  .withWaitStrategy(Wait.forLogMessage(/serving on \d+/))
  .withEnvironment({ GREETING: 'hi' })
  .withLabels({ purpose: 'trial' })
  .withTmpFs({ '/scratch': 'rw,size=1m' })
  .withNetwork(network)
  .withNetworkAliases('server')
  .start();
const get = async (container: typeof byLog): Promise<string> =>
  (await fetch(`http://127.0.0.1:${container.getMappedPort(8080)}/`)).text();
const seen: Record<string, unknown> = { page: await get(byLog) };

const { output, exitCode } = await byLog.exec(['sh', '-c', 'echo $GREETING; df /scratch; exit 3']);
seen['exec'] = [exitCode, output.startsWith('hi\n'), output.includes('tmpfs')];
seen['label'] = byLog.getLabels()['purpose'];

const byPort = await server().withWaitStrategy(Wait.forListeningPorts()).start();
const byHttp = await server().withWaitStrategy(Wait.forHttp('/', 8080)).start();
seen['ports'] = [await get(byPort), await get(byHttp)];
const byHealth = await server()
  .withHealthCheck({ test: ['CMD-SHELL', 'wget -qO- http://127.0.0.1:8080/'], interval: 300 })
  .withWaitStrategy(Wait.forHealthCheck())
  .withNetwork(network)
  .start();
seen['name'] = (await byHealth.exec(['wget', '-qO-', 'http://server:8080/'])).output;

const oneShot = await new GenericContainer(image)
  .withCommand(['echo', 'done'])
  .withWaitStrategy(Wait.forOneShotStartup())
  .start();
const alive = setInterval(() => undefined, 1000); // its log streams do not keep the process alive
seen['oneShot'] = await text(await oneShot.logs());
clearInterval(alive);

await byPort.restart({ timeout: 0 });
seen['restarted'] = await get(byPort);
seen['archive'] = (await text(await byPort.copyArchiveFromContainer('/w/index.html'))).includes(
  'hello from inside',
);

const failing = new GenericContainer(image)
  .withCommand(['false'])
  .withStartupTimeout(5000)
  .withWaitStrategy(Wait.forLogMessage('never'));
seen['failure'] = await failing.start().then(
  () => 'started',
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
);

for (const container of [byLog, byPort, byHttp, byHealth, oneShot]) {
  await container.stop({ timeout: 0, removeVolumes: true });
}
await network.stop();
process.stdout.write(`${JSON.stringify(seen)}\n`);
