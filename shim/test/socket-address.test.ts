import { expect } from 'chai';
import { socketPath } from '../src/socket-address.ts';

describe('socketPath', () => {
  it('is the path at which shims of containerd listen', () => {
    // sha256 of "/run/containerd/containerd.sock/default/c1"
    expect(socketPath('/run/containerd/containerd.sock', 'default', 'c1')).to.equal(
      '/run/containerd/s/d25aa4ef11a84e954e74a5bcff06557d0b6ea8d0c00243896f29826694bbd888',
    );
  });
});
