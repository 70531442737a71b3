import { expect } from 'chai';
import type { ApiVersion } from '../../../src/http/api-version.ts';
import type { ImageInspect, ImageSummary } from '../../../src/images/api-types.ts';
import { inspectOf, summaryOf } from '../../../src/images/image-summaries.ts';
import { inspectFor, summaryFor } from '../../../src/routes/images/shapes.ts';

type Stored = Parameters<typeof inspectOf>[0];

const stored = (names: string[]) =>
  ({
    id: 'sha256:1',
    target: { mediaType: 'application/json', digest: 'sha256:2', size: 2 },
    repoTags: names,
    repoDigests: [],
    createdAt: new Date(0),
    sizeBytes: 1,
    config: {
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [] },
    },
  }) as unknown as Stored; // all that an answer is made of

describe('inspectFor', () => {
  const inspect = (version: ApiVersion): ImageInspect & Record<string, unknown> =>
    inspectFor(inspectOf(stored(['busybox:latest']), 'overlayfs', new Date(0)), version) as never; // looked into below

  it('shows old clients the container that an image came from', () => {
    const { Container, ContainerConfig } = inspect('1.44') as Record<string, unknown>;
    expect(Container).to.equal('');
    expect(ContainerConfig).to.include({ Hostname: '', Cmd: null });
    expect(inspect('1.45')).not.to.have.any.keys('Container', 'ContainerConfig');
  });

  it('says the size twice, and a time even where there is none, before 1.44', () => {
    expect(inspect('1.43')).to.include({ VirtualSize: 1, Created: '0001-01-01T00:00:00Z' });
    expect(inspect('1.44')).not.to.have.any.keys('VirtualSize', 'Created');
  });

  it('names what a name points to from 1.48 on', () => {
    expect(inspect('1.47')).not.to.have.any.keys('Descriptor');
    expect(inspect('1.48').Descriptor).to.include({ digest: 'sha256:2' });
  });

  it('leaves the fields of containers out of images from 1.50 on', () => {
    expect(inspect('1.49').Config).to.include({ Hostname: '', User: '', Tty: false });
    expect(inspect('1.50').Config).to.include({ User: '', Env: null }).and.not.keys('Hostname');
    expect(inspect('1.50').Config.Cmd).to.deep.equal(['sh']);
  });
});

describe('summaryFor', () => {
  const summary = (version: ApiVersion, names = ['busybox:latest']): ImageSummary =>
    summaryFor(summaryOf(stored(names), 3), version) as never; // looked into below

  it('invents names for images without any before 1.43', () => {
    expect(summary('1.42', []).RepoTags).to.deep.equal(['<none>:<none>']);
    expect(summary('1.43', []).RepoTags).to.deep.equal([]);
  });

  it('counts containers from 1.51 on', () => {
    expect(summary('1.50').Containers).to.equal(-1);
    expect(summary('1.51').Containers).to.equal(3);
  });

  it('has the fields of its version', () => {
    expect(summary('1.43')).to.include.keys('VirtualSize').and.not.keys('Descriptor');
    expect(summary('1.48')).to.include.keys('Descriptor').and.not.keys('VirtualSize');
  });
});
