import { expect } from 'chai';
import { humanDuration } from '#spec/human-duration';

describe('humanDuration', () => {
  it('prints durations as docker does', () => {
    const seconds = [
      0,
      1,
      59,
      60,
      119,
      120,
      3600,
      5400,
      86_400 * 3,
      86_400 * 20,
      86_400 * 100,
      86_400 * 800,
    ];
    expect(seconds.map((value) => humanDuration(value * 1000))).to.deep.equal([
      ...[
        'Less than a second',
        '1 second',
        '59 seconds',
        'About a minute',
        'About a minute',
        '2 minutes',
        'About an hour',
      ],
      ...['2 hours', '3 days', '2 weeks', '3 months', '2 years'],
    ]);
  });
});
