/** The Engine API byte by byte: shapes, statuses and streams that clients depend on. */
import { expect } from 'chai';
import { needRoot } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';
import { ApiClient, demultiplex, readToEnd } from './api-client.ts';

describe('the Engine API', () => {
  let api: ApiClient;
  let busybox: string;
  const created: string[] = [];

  before(async function () {
    needRoot(this);
    busybox = `${await devRegistry(this)}/busybox:latest`;
    const stack = await sharedStack();
    api = new ApiClient(stack.host);
    await stack.engineOk('pull', busybox);
  });

  afterEach(async () => {
    for (const id of created.splice(0)) await api.call('DELETE', `/containers/${id}?force=1`);
  });

  async function create(config: object, query = ''): Promise<string> {
    const { status, body } = await api.call('POST', `/v1.47/containers/create${query}`, {
      Image: busybox,
      ...config,
    });
    expect(status, JSON.stringify(body)).to.equal(201);
    const { Id: id, Warnings: warnings } = body as { Id: string; Warnings: unknown };
    expect(warnings).to.deep.equal([]);
    created.push(id);
    return id;
  }

  it('answers ping with what clients negotiate by', async () => {
    const { status, headers, body } = await api.call('GET', '/_ping');
    expect([status, body]).to.deep.equal([200, 'OK']);
    expect(headers).to.include({
      'api-version': '1.51',
      'builder-version': '1',
      swarm: 'inactive',
    });
    expect((await api.call('HEAD', '/_ping')).headers['content-length']).to.equal('0');
  });

  it('shows a container that never ran with the zero values of Go', async () => {
    const id = await create({ Cmd: ['true'] }, '?name=api-zero');
    const { body } = await api.call('GET', '/v1.47/containers/api-zero/json');
    expect(body).to.deep.include({ Id: id, Name: '/api-zero', RestartCount: 0, ExecIDs: null });
    expect(body).to.have.nested.property('State.StartedAt', '0001-01-01T00:00:00Z');
    expect(body).to.have.nested.property('State.Status', 'created');
    expect(body).to.have.nested.property('HostConfig.NetworkMode', 'bridge');
    expect(body).to.have.nested.property('HostConfig.PortBindings').that.deep.equals({});
    expect(body).to.have.nested.property('NetworkSettings.IPAddress', '');
    expect(body).to.not.have.nested.property('Config.ExposedPorts');
  });

  it('words its refusals as docker does', async () => {
    const missing = await api.call('POST', '/containers/create', { Image: 'nosuch/image' });
    expect([missing.status, missing.body]).to.deep.equal([
      404,
      { message: 'No such image: nosuch/image:latest' },
    ]);
    await create({}, '?name=api-taken');
    const taken = await api.call('POST', '/containers/create?name=api-taken', { Image: busybox });
    expect(taken.status).to.equal(409);
    expect(taken.body).to.have.property('message').that.includes('"/api-taken" is already in use');
    expect((await api.call('POST', '/containers/api-taken/kill')).status).to.equal(409);
    expect((await api.call('POST', '/containers/api-taken/stop')).status).to.equal(304);
    expect((await api.call('GET', '/containers/nosuch/json')).body).to.deep.equal({
      message: 'No such container: nosuch',
    });
    expect((await api.call('POST', '/containers/api-taken/wait?condition=soon')).status).to.equal(
      400,
    );
    expect((await api.call('POST', '/build')).status).to.equal(501);
    expect((await api.call('GET', '/services')).status).to.equal(503);
  });

  it('leaves nothing behind when a container cannot be created', async () => {
    const before = await api.call('GET', '/containers/json?all=1');
    for (const config of [
      { User: 'nobody-knows' },
      { HostConfig: { PortBindings: { '80/xyz': [{ HostPort: '80' }] } } },
      { HostConfig: { Links: ['a:b'] } },
      { HostConfig: { Memory: 1000 } },
      { HostConfig: { Binds: ['a:/b'] } },
      { Env: 7 },
    ]) {
      const { status } = await api.call('POST', '/containers/create?name=api-bad', {
        Image: busybox,
        ...config,
      });
      expect(status, JSON.stringify(config)).to.be.oneOf([400, 501]);
    }
    expect((await api.call('GET', '/containers/json?all=1')).body).to.deep.equal(before.body);
    await create({}, '?name=api-bad');
  });

  it('answers wait at once, and finishes it with the exit code', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'exit 4'] });
    const wait = await api.open('POST', `/v1.47/containers/${id}/wait?condition=next-exit`);
    expect(wait.statusCode).to.equal(200);
    expect((await api.call('POST', `/containers/${id}/start`)).status).to.equal(204);
    const chunks: Buffer[] = [];
    for await (const chunk of wait) chunks.push(chunk as Buffer);
    expect(JSON.parse(Buffer.concat(chunks).toString())).to.deep.equal({ StatusCode: 4 });
  });

  it('carries stdin until the client half-closes, and output in frames', async () => {
    const id = await create({
      Cmd: ['sh', '-c', 'cat; echo done >&2'],
      OpenStdin: true,
      StdinOnce: true,
    });
    const attached = await api.hijack(
      `/v1.47/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
    );
    expect(attached.head).to.include('application/vnd.docker.multiplexed-stream');
    await api.call('POST', `/containers/${id}/start`);
    attached.socket.end('typed\n');
    expect(demultiplex(await readToEnd(attached))).to.deep.equal({
      stdout: 'typed\n',
      stderr: 'done\n',
    });
  });

  it('starts an exec whose options come as the body of the upgrade', async () => {
    const id = await create({ Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' } });
    await api.call('POST', `/containers/${id}/start`);
    const exec = await api.call('POST', `/containers/${id}/exec`, {
      Cmd: ['sh', '-c', 'cat; exit 6'],
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
    });
    const { Id: execId } = exec.body as { Id: string };
    const attached = await api.hijack(
      `/v1.47/exec/${execId}/start`,
      '{"Detach":false,"Tty":false}',
    );
    attached.socket.end('into exec');
    expect(demultiplex(await readToEnd(attached)).stdout).to.equal('into exec');
    const { body } = await api.call('GET', `/exec/${execId}/json`);
    expect(body).to.include({ Running: false, ExitCode: 6, ContainerID: id });
    expect((await api.call('POST', `/exec/${execId}/start`, {})).status).to.equal(409);
  });

  it("says why a container cannot start in docker's words, and keeps them out of its log", async () => {
    const id = await create({ Cmd: ['nope'], HostConfig: { NetworkMode: 'none' } });
    const { status, body } = await api.call('POST', `/containers/${id}/start`);
    expect(status).to.equal(400);
    expect(body)
      .to.have.property('message')
      .that.matches(
        /^failed to create task for container: failed to create shim task: OCI runtime create failed: .*exec: "nope": executable file not found in \$PATH: unknown$/,
      );
    const logs = await api.call('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
    expect([logs.status, logs.body]).to.deep.equal([200, '']);
  });

  it('ends an exec whose command does not exist, and its stream', async () => {
    const id = await create({ Cmd: ['sleep', '60'], HostConfig: { NetworkMode: 'none' } });
    await api.call('POST', `/containers/${id}/start`);
    const exec = await api.call('POST', `/containers/${id}/exec`, {
      Cmd: ['nope'],
      AttachStdout: true,
      AttachStderr: true,
    });
    const { Id: execId } = exec.body as { Id: string };
    const attached = await api.hijack(`/v1.47/exec/${execId}/start`, '{}');
    expect(demultiplex(await readToEnd(attached)).stdout).to.match(
      /^OCI runtime exec failed: .*exec: "nope": executable file not found in \$PATH: unknown\r\n$/,
    );
    const { body } = await api.call('GET', `/exec/${execId}/json`);
    expect(body).to.include({ Running: false, ExitCode: 127 });
  });

  it('replays events with every digit of their time', async () => {
    const id = await create({ Cmd: ['true'] });
    const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
    const until = Math.ceil(Date.now() / 1000);
    const { body } = await api.call(
      'GET',
      `/v1.47/events?since=1&until=${until}&filters=${filters}`,
    );
    const [event] = [body].flat();
    expect(event).to.deep.include({ Type: 'container', Action: 'create', status: 'create', id });
  });
});
