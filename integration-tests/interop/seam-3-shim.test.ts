/** Seam 3, the shim protocol: our shim under a real containerd, the real shim under containerd-lite. */
import { findPeer } from '../harness/peers.ts';
import { describeCtrCell, startContainerdLite, startRealContainerd } from './ctr-cell.ts';
import { startWithRenamedShim } from './renamed-shim.ts';

const runcShim = ['--runtime', 'io.containerd.runc.v2'];

describe('seam 3: the shim protocol', () => {
  describeCtrCell('a container of our shim and our runtime under containerd', {
    peers: ['containerd'],
    start: startRealContainerd,
    runFlags: ['--runtime', 'io.containerd.lite.v2'],
    survival: true,
  });

  describeCtrCell('a container of our shim and runc under containerd', {
    peers: ['containerd', 'runc'],
    start: startWithRenamedShim,
    runFlags: [...runcShim, '--runc-binary', findPeer('runc') ?? 'runc'],
  });

  describeCtrCell('a container of containerd-shim-runc-v2 and runc under containerd-lite', {
    peers: ['containerd-shim-runc-v2', 'runc'],
    start: startContainerdLite,
    runFlags: runcShim,
    survival: true,
  });
});
