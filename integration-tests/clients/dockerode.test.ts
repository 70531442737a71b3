/** dockerode on our socket: the life of a container as programs in Node drive it. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { expect } from 'chai';
import { createArchive } from './small-archive.ts';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import { waitFor } from '../harness/wait.ts';

const label = { 'trial.client': 'dockerode' };

describe('dockerode', function () {
  this.timeout(60_000);
  let docker: Docker | undefined;
  let client: Docker;
  let image: string;

  before(async function () {
    needRoot(this);
    image = `${await devRegistry(this)}/busybox:latest`;
    const stack = await sharedStack();
    docker = new Docker({ socketPath: stack.host.replace('unix://', '') });
    client = docker;
    await pull();
  });

  after(async () => {
    if (!docker) return;
    const filters = { label: ['trial.client=dockerode'] };
    for (const { Id } of await client.listContainers({ all: true, filters })) {
      await client.getContainer(Id).remove({ force: true, v: true });
    }
    await client.pruneNetworks({ filters });
    await client.pruneVolumes({ filters: { ...filters, all: ['true'] } });
  });

  /** Pulls, and gives what followProgress was told. */
  async function pull(): Promise<{ status?: string }[]> {
    const stream = await client.pull(image);
    return new Promise((resolve, reject) => {
      client.modem.followProgress(stream, (error, output: { status?: string }[]) => {
        if (error) reject(error);
        else resolve(output);
      });
    });
  }

  const create = (Cmd: string[], options: Docker.ContainerCreateOptions = {}) =>
    client.createContainer({ Image: image, Cmd, Labels: label, ...options });

  it('follows the progress of a pull', async () => {
    const lines = (await pull()).map(({ status }) => status ?? '');
    expect(lines.at(0)).to.equal('Pulling from busybox');
    expect(lines.at(-1)).to.equal(`Status: Image is up to date for ${image}`);
    const { RepoTags } = await client.getImage(image).inspect();
    expect(RepoTags).to.include(image);
    const missing = image.replace(/:latest$/, ':nosuch');
    const failure = await client.pull(missing).then(
      () => undefined,
      (error: unknown) => error as { statusCode: number },
    );
    expect(failure?.statusCode).to.equal(404);
  });

  it('attaches with input, and separates output from errors', async () => {
    const container = await create(['sh', '-c', 'cat; echo problem >&2; exit 4'], {
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const attach = { stream: true, hijack: true, stdin: true, stdout: true, stderr: true };
    const stream = await container.attach(attach);
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    client.modem.demuxStream(stream, stdout, stderr);
    stream.on('end', () => [stdout, stderr].forEach((output) => output.end()));
    await container.start();
    const waiting = container.wait() as Promise<{ StatusCode: number }>;
    const input = 'more than a pipe holds\n'.repeat(10_000);
    stream.end(input);
    const [output, errors] = await Promise.all([text(stdout), text(stderr)]);
    expect(output === input, `${output.length} of ${input.length} bytes`).to.equal(true);
    expect(errors).to.equal('problem\n');
    expect((await waiting).StatusCode).to.equal(4);
    const logs = await container.logs({ stdout: false, stderr: true });
    expect(logs.toString()).to.contain('problem\n');
    await container.remove();
  });

  it('runs a container by one call', async () => {
    const output = new PassThrough();
    const [result, container] = (await client.run(image, ['sh', '-c', 'echo out; exit 6'], output, {
      Labels: label,
      Tty: true,
    })) as [{ StatusCode: number }, Docker.Container];
    output.end();
    expect([result.StatusCode, await text(output)]).to.deep.equal([6, 'out\r\n']);
    await container.remove();
  });

  describe('with a container that runs', () => {
    let container: Docker.Container;

    before(async () => {
      const script = 'echo begun; trap "exit 3" TERM; while :; do sleep 0.1; done';
      container = await create(['sh', '-c', script], {
        name: 'dockerode-runs',
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '' }] }, Memory: 64 * 1024 * 1024 },
      });
      await container.start();
    });

    it('inspects and lists it', async () => {
      const { State, HostConfig, NetworkSettings } = await container.inspect();
      expect(State.Running).to.equal(true);
      expect(HostConfig.Memory).to.equal(64 * 1024 * 1024);
      expect(Number(NetworkSettings.Ports['80/tcp']?.[0]?.HostPort)).to.be.greaterThan(0);
      const filters = { name: ['dockerode-runs'], status: ['running'] };
      const [listed] = await client.listContainers({ filters });
      expect(listed?.Names).to.deep.equal(['/dockerode-runs']);
    });

    it('follows its log', async () => {
      const logs = await container.logs({ follow: true, stdout: true, stderr: true });
      const [first] = (await once(logs, 'data')) as [Buffer];
      (logs as unknown as { destroy(): void }).destroy(); // it is the response, whatever the types say
      expect(first.subarray(8).toString()).to.equal('begun\n');
    });

    it('executes commands, with input and without', async () => {
      const exec = await container.exec({
        Cmd: ['sh', '-c', 'cat; echo err >&2; exit 5'],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({ hijack: true, stdin: true });
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      client.modem.demuxStream(stream, stdout, stderr);
      stream.on('end', () => [stdout, stderr].forEach((output) => output.end()));
      stream.end('typed\n');
      expect(await Promise.all([text(stdout), text(stderr)])).to.deep.equal(['typed\n', 'err\n']);
      expect(await exec.inspect()).to.include({ ExitCode: 5, Running: false });

      const plain = await container.exec({ Cmd: ['echo', 'plain'], AttachStdout: true });
      const output = await buffer(await plain.start({}));
      expect(output.subarray(8).toString()).to.equal('plain\n');
    });

    it('measures it', async () => {
      const stats = await container.stats({ stream: false });
      expect(stats.memory_stats.usage).to.be.greaterThan(0);
      expect(stats.memory_stats.limit).to.equal(64 * 1024 * 1024);
      const { Titles, Processes } = (await container.top()) as Record<string, string[][]>;
      expect(Titles).to.include('CMD');
      expect(Processes?.flat().join(' ')).to.contain('trap');
    });

    it('copies files in and out', async () => {
      await container.putArchive(createArchive('f', 'ab'), { path: '/tmp' });
      const archive = await buffer(await container.getArchive({ path: '/tmp/f' }));
      expect(archive.subarray(512, 514).toString()).to.equal('ab');
      const changes = (await container.changes()) as { Path: string }[];
      expect(changes.map((change) => change.Path)).to.include('/tmp/f');
    });

    it('connects it to a network and gives it a name there', async () => {
      const network = await client.createNetwork({ Name: 'dockerode-net', Labels: label });
      await network.connect({ Container: container.id, EndpointConfig: { Aliases: ['box'] } });
      const { Containers } = (await network.inspect()) as { Containers: Record<string, unknown> };
      expect(Object.keys(Containers)).to.deep.equal([container.id]);
      await network.disconnect({ Container: container.id });
      await network.remove();
    });

    it('renames, pauses, limits, restarts and stops it, and hears of it', async () => {
      const since = Math.floor(Date.now() / 1000) - 1;
      await container.rename({ name: 'dockerode-renamed' });
      await container.pause();
      expect((await container.inspect()).State.Paused).to.equal(true);
      await container.unpause();
      await container.update({ Memory: 128 * 1024 * 1024, MemorySwap: 128 * 1024 * 1024 });
      await container.restart({ t: 5 });
      await container.stop();
      expect((await container.inspect()).State.ExitCode).to.equal(3);
      await waitFor('the events', async () => {
        const until = Math.floor(Date.now() / 1000);
        const filters = { container: [container.id] };
        const told = await text(await client.getEvents({ since, until, filters }));
        const actions = told.trim().split('\n').map(actionOf);
        return ['rename', 'pause', 'unpause', 'update', 'restart', 'stop'].every((action) =>
          actions.includes(action),
        );
      });
    });

    it('commits and removes it', async () => {
      await container.commit({ repo: 'dockerode-image', tag: 'one', changes: 'ENV A=b' });
      const committed = client.getImage('dockerode-image:one');
      expect((await committed.inspect()).Config.Env).to.include('A=b');
      const history = (await committed.history()) as unknown[];
      expect(history.length).to.be.greaterThan(1);
      await committed.remove();
      await container.remove({ v: true });
      const gone = await container.inspect().catch((error: unknown) => error);
      expect(gone).to.include({ statusCode: 404 });
    });
  });

  it('makes, lists and removes volumes', async () => {
    const name = 'dockerode-volume';
    expect(await client.createVolume({ Name: name, Labels: label })).to.include({ name });
    const Binds = [`${name}:/data`];
    const container = await create(['touch', '/data/f'], { HostConfig: { Binds } });
    await container.start();
    await container.wait();
    const inUse: unknown = await client
      .getVolume(name)
      .remove()
      .catch((error: unknown) => error);
    expect(inUse).to.include({ statusCode: 409 });
    await container.remove();
    const { Volumes } = await client.listVolumes({ filters: { label: ['trial.client'] } });
    expect(Volumes.map(({ Name }) => Name)).to.deep.equal([name]);
    await client.getVolume(name).remove();
  });
});

/** The event stream holds one object a line. */
function actionOf(line: string): string | undefined {
  return line === '' ? undefined : (JSON.parse(line) as { Action: string }).Action;
}
