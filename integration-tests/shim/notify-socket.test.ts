/** A containerd that systemd watches (Type=notify) has a NOTIFY_SOCKET, which its shims inherit. */
import { executablePath } from '#lib/installation/installation';
import { needPeers, needRoot } from '../harness/peers.ts';
import { RealContainerd } from './real-containerd.ts';

describe('a shim with the NOTIFY_SOCKET of its containerd', () => {
  const containerd = new RealContainerd();

  before(async function () {
    needRoot(this);
    needPeers(this, 'containerd', 'runc');
    process.env['NOTIFY_SOCKET'] = '/run/no-such-notify-socket';
    try {
      await containerd.start();
    } finally {
      delete process.env['NOTIFY_SOCKET'];
    }
  });
  after(() => containerd.stop());

  for (const binary of [executablePath('runtime'), 'runc']) {
    it(`starts a container of ${binary.replace(/.*\//, '')} without waiting for it`, async () => {
      const id = binary.replace(/.*\//, '');
      const { tasks } = containerd.client;
      await containerd.create(id, { args: ['sleep', '1000'], binary });
      await tasks.start({ containerId: id }, { deadlineMs: 15_000 });
      await containerd.remove(id);
    });
  }
});
