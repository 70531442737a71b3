"""Drives DOCKER_HOST with the image IMAGE by the docker SDK; prints one line of JSON with what each step gave."""
import docker
import io
import json
import os
import socket
import struct
import tarfile
import time

client = docker.from_env()
image = os.environ['IMAGE']
tag = os.environ['TAG']
seen = {}


def archive_of(name, content):
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode='w') as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def error_of(call):
    try:
        call()
    except docker.errors.APIError as error:
        return [error.status_code, error.explanation]
    except docker.errors.ContainerError as error:
        return [error.exit_status, error.stderr.decode()]


def read_exactly(connection, length):
    content = b''
    while len(content) < length:
        chunk = connection.recv(length - len(content))
        if not chunk:
            break
        content += chunk
    return content


def system():
    seen['ping'] = client.ping()
    seen['version'] = sorted(key for key in ('ApiVersion', 'Os', 'Arch') if client.version().get(key))
    seen['info'] = client.info()['OSType']
    seen['df'] = sorted(client.df())[:4]


def images():
    repository, version = image.rsplit(':', 1)
    pulled = client.images.pull(repository, tag=version)
    seen['pulled'] = image in pulled.tags
    seen['progress'] = [line['status'] for line in
                        client.api.pull(repository, tag=version, stream=True, decode=True)][-1].split(':')[0]
    pulled.tag(tag, 'one')
    kept = client.images.get(tag + ':one')
    seen['tagged'] = tag + ':one' in kept.tags
    saved = b''.join(kept.save(named=tag + ':one'))
    client.images.remove(tag + ':one')
    [loaded] = client.images.load(saved)
    seen['loaded'] = tag + ':one' in loaded.tags
    seen['history'] = len(loaded.history()) > 0
    seen['filtered'] = len(client.images.list(filters={'reference': tag + ':one'}))
    client.images.remove(tag + ':one')
    seen['noImage'] = error_of(lambda: client.images.get(tag + ':two'))[0]


def run_with_options():
    seen['output'] = client.containers.run(image, 'echo hi', remove=True).decode()
    seen['both'] = client.containers.run(
        image, ['sh', '-c', 'echo out; echo err >&2'], remove=True, stderr=True, stdout=False).decode()
    seen['failure'] = error_of(lambda: client.containers.run(
        image, ['sh', '-c', 'echo bad >&2; exit 4'], remove=True))
    script = 'id -u; pwd; echo $A; hostname; ulimit -n; cat /proc/sys/kernel/shm_rmid_forced; ' \
        'grep CapEff /proc/self/status | cut -f2; cat /sys/fs/cgroup/memory/memory.limit_in_bytes ' \
        '/sys/fs/cgroup/memory.max 2>/dev/null; touch /x 2>&1; df /scratch | tail -1 | cut -d" " -f1; ' \
        'grep one.test /etc/hosts | cut -f1; cat /proc/self/oom_score_adj; grep 9.9.9.9 /etc/resolv.conf'
    seen['options'] = client.containers.run(
        image, ['sh', '-c', script], remove=True, user='0:5', working_dir='/tmp', environment={'A': 'b'},
        hostname='boxed', ulimits=[docker.types.Ulimit(name='nofile', soft=512, hard=1024)],
        sysctls={'kernel.shm_rmid_forced': 1}, cap_drop=['ALL'], cap_add=['CHOWN'], mem_limit='64m',
        memswap_limit='64m', read_only=True, tmpfs={'/scratch': 'size=1m'}, extra_hosts={'one.test': '1.2.3.4'},
        oom_score_adj=500, dns=['9.9.9.9'], security_opt=['no-new-privileges'], pids_limit=50,
        log_config=docker.types.LogConfig(type='json-file', config={'max-size': '1m'}),
        labels={'a': 'b'}).decode().splitlines()


def life(box):
    box.reload()
    seen['status'] = box.status
    seen['ports'] = sorted(box.ports)
    seen['follow'] = next(box.logs(stream=True, follow=True)).decode()
    seen['listed'] = [one.name for one in client.containers.list(filters={'label': 'sdk=' + tag})]
    code, output = box.exec_run(['sh', '-c', 'echo inside; exit 3'])
    seen['exec'] = [code, output.decode()]
    seen['demux'] = [part.decode() for part in
                     box.exec_run(['sh', '-c', 'echo o; echo e >&2'], demux=True).output]
    seen['environment'] = box.exec_run('sh -c "echo $A; id -u; pwd"', environment={'A': 'x'}, user='5',
                                       workdir='/tmp').output.decode()
    box.put_archive('/data', archive_of('f', b'ab'))
    chunks, stat = box.get_archive('/data/f')
    with tarfile.open(fileobj=io.BytesIO(b''.join(chunks))) as tar:
        seen['archive'] = [stat['size'], tar.extractfile('f').read().decode()]
    seen['memory'] = box.stats(stream=False)['memory_stats']['usage'] > 0
    seen['streamed'] = next(box.stats(decode=True))['name']
    seen['top'] = 'CMD' in box.top()['Titles']
    seen['diff'] = any(change['Path'] == '/mine' for change in box.diff())
    seen['export'] = sum(len(chunk) for chunk in box.export()) > 1024
    box.update(mem_limit='128m', memswap_limit='128m')
    box.reload()
    seen['updated'] = box.attrs['HostConfig']['Memory']
    box.pause()
    box.unpause()
    box.rename(tag + '-renamed')
    committed = box.commit(repository=tag, tag='committed', changes='CMD ["cat", "/mine"]')
    # The image has the volume of the container; removed by the client, its anonymous one would stay.
    once = client.containers.create(committed.id)
    once.start()
    once.wait()
    seen['committed'] = once.logs().decode()
    once.remove(v=True)
    client.images.remove(tag + ':committed')
    box.restart(timeout=0)
    box.stop(timeout=0)
    seen['exit'] = box.wait()['StatusCode']


def exec_socket(box):
    """The low-level API: a socket that carries input in and frames out."""
    created = client.api.exec_create(box.id, ['sh', '-c', 'read line; echo got $line; exit 6'], stdin=True)
    stream = client.api.exec_start(created['Id'], socket=True)
    connection = stream._sock
    connection.settimeout(10)
    connection.sendall(b'typed\n')
    connection.shutdown(socket.SHUT_WR)
    kind, length = struct.unpack('>BxxxL', read_exactly(connection, 8))
    seen['socket'] = [kind, read_exactly(connection, length).decode(), connection.recv(1).decode()]
    stream.close()
    seen['inspected'] = client.api.exec_inspect(created['Id'])['ExitCode']


def attach_socket():
    created = client.api.create_container(
        image, ['sh', '-c', 'cat; exit 2'], stdin_open=True, name=tag + '-attached', labels={'sdk': tag},
        host_config=client.api.create_host_config(auto_remove=False, network_mode='none'))
    try:
        params = {'stdin': 1, 'stdout': 1, 'stderr': 1, 'stream': 1}
        stream = client.api.attach_socket(created['Id'], params=params)
        connection = stream._sock
        connection.settimeout(10)
        client.api.start(created['Id'])
        connection.sendall(b'echoed')
        kind, length = struct.unpack('>BxxxL', read_exactly(connection, 8))
        seen['attached'] = [kind, read_exactly(connection, length).decode()]
        stream.close()
        client.api.kill(created['Id'], signal='KILL')
        seen['killed'] = client.api.wait(created['Id'])['StatusCode']
    finally:
        client.api.remove_container(created['Id'], force=True)


def networks(box):
    pool = docker.types.IPAMPool(subnet='10.231.7.0/24', gateway='10.231.7.1')
    network = client.networks.create(tag + '-net', driver='bridge', labels={'sdk': tag}, internal=True,
                                     ipam=docker.types.IPAMConfig(pool_configs=[pool]))
    try:
        network.connect(box, aliases=['box'], ipv4_address='10.231.7.77')
        network.reload()
        seen['connected'] = [one.name for one in network.containers]
        seen['found'] = '10.231.7.77' in client.containers.run(
            image, 'nslookup box', remove=True, network=network.name).decode()
        seen['busy'] = error_of(network.remove)[0]
        seen['networks'] = [one.name for one in client.networks.list(filters={'label': 'sdk=' + tag})]
        network.disconnect(box)
    finally:
        network.remove()


def volumes():
    volume = client.volumes.create(tag + '-made', driver='local', labels={'sdk': tag})
    try:
        mount = docker.types.Mount('/m', volume.name, type='volume')
        client.containers.run(image, 'touch /m/there', mounts=[mount], remove=True)
        seen['mounted'] = client.containers.run(
            image, 'ls /m', volumes={volume.name: {'bind': '/m', 'mode': 'ro'}}, remove=True).decode()
        seen['volumes'] = [one.name for one in client.volumes.list(filters={'label': 'sdk=' + tag})]
    finally:
        volume.remove()


def events(since, box_id):
    """What the daemon has told of the container; one event may still be on its way."""
    wanted = {'create', 'start', 'die', 'rename', 'pause', 'unpause', 'update', 'restart', 'stop'}
    for _ in range(50):
        told = {event['Action'] for event in client.events(
            since=since, until=int(time.time()), filters={'container': box_id}, decode=True)}
        if wanted <= told:
            break
        time.sleep(0.1)
    seen['untold'] = sorted(wanted - told)


since = int(time.time()) - 1
system()
images()
run_with_options()
box = client.containers.run(
    image, ['sh', '-c', 'echo begun; echo mine > /mine; sleep 300'], detach=True, name=tag, labels={'sdk': tag},
    ports={'80/tcp': None, '53/udp': ('127.0.0.1', None)},
    volumes={tag + '-volume': {'bind': '/data', 'mode': 'rw'}},
    healthcheck={'test': ['CMD', 'true'], 'interval': 10**9}, restart_policy={'Name': 'on-failure', 'MaximumRetryCount': 2})
try:
    exec_socket(box)
    networks(box)
    life(box)
    events(since, box.id)
    seen['missing'] = error_of(lambda: client.containers.get('nosuch'))
    seen['conflict'] = error_of(lambda: client.api.create_container(image, name=tag + '-renamed'))[0]
finally:
    box.remove(force=True, v=True)
    client.volumes.get(tag + '-volume').remove()
attach_socket()
volumes()
print(json.dumps(seen))
