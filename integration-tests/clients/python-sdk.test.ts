/** Debian's python3-docker on our socket: the life of a container as programs drive it. */
import { expect } from 'chai';
import { run } from '../harness/command.ts';
import { needPeers, needRoot, skip } from '../harness/peers.ts';
import { devRegistry } from '../harness/registry.ts';
import { sharedStack } from '../harness/shared-stack.ts';

/** Prints one line of JSON with what each step gave. */
const program = `
import docker, io, json, os, sys, tarfile
client = docker.from_env()
image = os.environ['IMAGE']
seen = {}
seen['output'] = client.containers.run(image, 'echo hi', remove=True).decode()
box = client.containers.run(image, 'sleep 300', detach=True, name='sdk-box',
    ports={'80/tcp': None}, volumes={'sdk-volume': {'bind': '/data', 'mode': 'rw'}})
try:
    box.reload()
    seen['status'] = box.status
    seen['ports'] = sorted(box.ports)
    code, output = box.exec_run(['sh', '-c', 'echo inside; exit 3'])
    seen['exec'] = [code, output.decode()]
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode='w') as tar:
        entry = tarfile.TarInfo('f'); entry.size = 2
        tar.addfile(entry, io.BytesIO(b'ab'))
    box.put_archive('/data', archive.getvalue())
    seen['stat'] = box.get_archive('/data/f')[1]['size']
    seen['memory'] = box.stats(stream=False)['memory_stats']['usage'] > 0
    network = client.networks.create('sdk-network')
    network.connect(box, aliases=['box'])
    network.reload()
    seen['connected'] = len(network.containers)
    network.disconnect(box)
    network.remove()
    box.pause(); box.unpause(); box.restart(timeout=0)
    box.stop(timeout=0)
    seen['exit'] = box.wait()['StatusCode']
    try:
        client.containers.get('nosuch')
    except docker.errors.NotFound as error:
        seen['missing'] = error.explanation
finally:
    box.remove(force=True)
    client.volumes.get('sdk-volume').remove()
print(json.dumps(seen))
`;

describe('the python SDK', () => {
  it('drives a container through its life', async function () {
    this.timeout(120_000);
    needRoot(this);
    needPeers(this, 'python3');
    if ((await run('python3', ['-c', 'import docker'])).status !== 0) {
      skip(this, 'needs python3-docker');
    }
    const image = `${await devRegistry(this)}/busybox`;
    const stack = await sharedStack();
    await stack.engineOk('pull', '-q', image);
    const { stdout, stderr, status } = await run('python3', ['-c', program], {
      env: { ...process.env, DOCKER_HOST: stack.host, IMAGE: image },
      timeoutMs: 120_000,
    });
    expect(status, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({
      output: 'hi\n',
      status: 'running',
      ports: ['80/tcp'],
      exec: [3, 'inside\n'],
      stat: 2,
      memory: true,
      connected: 1,
      exit: 137,
      missing: 'No such container: nosuch',
    });
  });
});
