import { expect } from 'chai';
import { shapeImage } from '../../src/images/image-by-version.ts';
import { inspectOf } from '../../src/images/image-summaries.ts';

describe('shapeImage', () => {
  const image = inspectOf(
    {
      id: 'sha256:1',
      repoTags: ['busybox:latest'],
      repoDigests: [],
      createdAt: new Date(0),
      sizeBytes: 1,
      config: { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } },
    } as unknown as Parameters<typeof inspectOf>[0], // all that an answer is made of
    'overlayfs',
    new Date(0),
  );

  it('shows old clients the container that an image came from', () => {
    const { Container, ContainerConfig, VirtualSize } = shapeImage(image, '1.43');
    expect({ Container, VirtualSize }).to.deep.equal({ Container: '', VirtualSize: 1 });
    expect(ContainerConfig).to.include({ Hostname: '', Volumes: null, Cmd: null });
  });

  it('shows each field up to its last version', () => {
    const fields = ['VirtualSize', 'Container', 'ContainerConfig'];
    expect(shapeImage(image, '1.44')).to.include.keys('Container').and.not.keys('VirtualSize');
    expect(shapeImage(image, '1.45')).not.to.have.any.keys(...fields);
    expect(shapeImage(image, '1.45')).to.include({ Id: 'sha256:1', Size: 1 });
  });
});
