import { expect } from 'chai';
import { digestOf } from '#spec/digest';
import { mediaTypes } from '#spec/oci/image';
import type { PullProgress } from '../../src/images/image-service.ts';
import { humanSize, progressBar, PullReporter } from '../../src/images/pull-progress.ts';

describe('PullReporter', () => {
  const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf(''), size: 1000 };

  it('speaks docker’s language', () => {
    const sent: PullProgress[] = [];
    const reporter = new PullReporter((message) => sent.push(message));
    reporter.line('Pulling from library/busybox', 'latest');
    reporter.layer('Pulling fs layer', layer);
    reporter.line('Digest: sha256:…');
    expect(sent).to.deep.equal([
      { status: 'Pulling from library/busybox', id: 'latest' },
      { status: 'Pulling fs layer', progressDetail: {}, id: 'e3b0c44298fc' },
      { status: 'Digest: sha256:…' },
    ]);
  });

  it('moves bars now and then, and to their end', () => {
    const sent: PullProgress[] = [];
    const reporter = new PullReporter((message) => sent.push(message));
    for (let bytes = 1; bytes <= layer.size; bytes++) reporter.bar('Downloading', layer, bytes);
    expect(sent.length).to.be.below(50);
    expect(sent.at(-1)?.progressDetail).to.deep.equal({ current: 1000, total: 1000 });
  });
});

describe('progressBar', () => {
  it('is as wide at the start as at the end', () => {
    expect(progressBar(0, 2000)).to.equal(`[>${' '.repeat(49)}]  0B/2kB`);
    expect(progressBar(1500, 3_000_000)).to.match(/^\[> {49}\] {2}1.5kB\/3MB$/);
    expect(progressBar(5, 5)).to.equal(`[${'='.repeat(50)}]  5B/5B`);
  });

  it('writes sizes as docker does', () => {
    expect([999, 1000, 1_234_567, 12_345_678_901].map(humanSize)).to.deep.equal([
      '999B',
      '1kB',
      '1.235MB',
      '12.35GB',
    ]);
  });
});
