/**
 * Saving a container and continuing it, down to the runtime's command line. The runtime is runc behind a script that
 * stands in for criu, which few machines have: it saves a word and continues by starting anew.
 */
import fs from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { packAny } from '#proto/any';
import { CheckpointOptions } from '#proto/generated/containerd.runc.v1';
import { needPeers, needRoot } from '../harness/peers.ts';
import { waitFor } from '../harness/wait.ts';
import { RealContainerd } from './real-containerd.ts';

const standIn = (folder: string) => `#!/bin/sh
all=$*
globals="$1 $2 $3 $4 $5 $6"
verb=$7
case $verb in checkpoint | restore) ;; *) exec runc "$@" ;; esac
echo "$all" >>${folder}/calls
shift 7
while [ $# -gt 0 ]; do
  case $1 in
    --image-path) image=$2; shift ;;
    --bundle) bundle=$2; shift ;;
    --pid-file) pidfile=$2; shift ;;
    --work-path | --empty-ns) shift ;;
    --*) ;;
    *) id=$1 ;;
  esac
  shift
done
if [ $verb = checkpoint ]; then echo saved >$image/pages; exit; fi
[ "$(cat $image/pages)" = saved ] || exit 1
runc $globals create --bundle $bundle --pid-file $pidfile $id && runc $globals start $id
`;

for (const daemon of ['containerd', 'containerd-lite'] as const) {
  describe(`a checkpoint by ${daemon} and our shim`, function () {
    let containerd: RealContainerd;
    let binary: string;
    const calls = () => fs.readFileSync(path.join(containerd.folder, 'calls'), 'utf8');

    this.beforeAll(async function () {
      needRoot(this);
      needPeers(this, 'containerd', 'runc', 'busybox');
      containerd = new RealContainerd({ daemon });
      binary = path.join(containerd.folder, 'runtime');
      fs.writeFileSync(binary, standIn(containerd.folder), { mode: 0o755 });
      await containerd.start();
    });
    this.afterAll(async () => containerd.stop());

    it('is stored, and another task continues it', async () => {
      const { tasks, content, leases } = containerd.client;
      await containerd.create('saved', { args: ['sleep', '60'], binary });
      await tasks.start({ containerId: 'saved' });
      await leases.create({ id: 'saved' });
      const { descriptors } = await tasks.checkpoint({ containerId: 'saved' }, { lease: 'saved' });
      expect(descriptors.map(({ mediaType }) => mediaType)).to.deep.equal([
        'application/vnd.containerd.container.criu.checkpoint.criu.tar',
        'application/vnd.containerd.container.checkpoint.config.v1+proto',
      ]);
      for (const { digest, size } of descriptors) {
        expect((await content.info({ digest })).info?.size).to.equal(size);
      }
      expect(calls()).to.match(
        / checkpoint --image-path \S+ --work-path \S+ --leave-running saved\n$/,
      );
      expect((await tasks.get({ containerId: 'saved' })).process?.status).to.equal('RUNNING');
      await containerd.remove('saved');

      const [checkpoint] = descriptors;
      const continued = await containerd.create('again', {
        args: ['sh', '-c', 'echo continued; exit 4'],
        binary,
        ...(checkpoint && { checkpoint }),
      });
      expect(continued.pid).to.equal(0);
      const { pid } = await tasks.start({ containerId: 'again' });
      expect(pid).to.be.greaterThan(0);
      expect((await tasks.wait({ containerId: 'again' })).exitStatus).to.equal(4);
      await containerd.remove('again');
      await continued.stdio.ended;
      expect(continued.stdio.stdout).to.equal('continued\n');
      expect(calls()).to.include(' --detach --no-subreaper --pid-file ');
    });

    // containerd 1.6 reads the path for the runtime names that it knows only.
    if (daemon === 'containerd') return;
    it('goes to a folder with the options that were asked for, and is announced', async () => {
      const { tasks } = containerd.client;
      const imagePath = path.join(containerd.folder, 'images');
      fs.mkdirSync(imagePath);
      await containerd.create('opts', { args: ['sleep', '60'], binary });
      await tasks.start({ containerId: 'opts' });
      const asked = { exit: true, openTcp: true, externalUnixSockets: true, terminal: true };
      const options = packAny(CheckpointOptions, {
        ...asked,
        fileLocks: true,
        emptyNamespaces: ['network'],
        imagePath,
        workPath: path.join(containerd.folder, 'criu'),
      });
      expect((await tasks.checkpoint({ containerId: 'opts', options })).descriptors).to.deep.equal(
        [],
      );
      expect(fs.readFileSync(`${imagePath}/pages`, 'utf8')).to.equal('saved\n');
      expect(calls()).to.include(
        `checkpoint --image-path ${imagePath} --work-path ${containerd.folder}/criu --tcp-established ` +
          '--ext-unix-sk --shell-job --file-locks --empty-ns network opts\n',
      );
      await waitFor('the event', () => containerd.topics('opts').includes('/tasks/checkpointed'));
      await containerd.remove('opts');
    });
  });
}
