import { expect } from 'chai';
import { matchesEvent } from '../../src/daemon/event-filters.ts';
import type { EngineEvent } from '../../src/daemon/event-log.ts';

const id = 'ab12'.repeat(16);

function event(fields: Partial<EngineEvent> = {}): EngineEvent {
  return {
    type: 'container',
    action: 'start',
    actorId: id,
    attributes: { name: 'webserver', image: 'nginx:9', kind: 'web' },
    timeNano: 1n,
    ...fields,
  };
}

function matches(filters: Record<string, string[]>, fields?: Partial<EngineEvent>): boolean {
  return matchesEvent(event(fields), new Map(Object.entries(filters)));
}

describe('matchesEvent', () => {
  it('takes the beginning of an id or a name for the whole', () => {
    expect(matches({ container: ['ab12'] })).to.equal(true);
    expect(matches({ container: ['web'] })).to.equal(true);
    expect(matches({ container: ['server'] })).to.equal(false);
  });

  it('asks names of every type of object, as dockerd does', () => {
    const network = { type: 'network', attributes: { name: 'web', container: id } } as const;
    expect(matches({ container: ['web'] }, { ...network, actorId: 'ff' })).to.equal(true);
    expect(matches({ service: ['other'] })).to.equal(false);
  });

  it('finds containers by their image, with its tag and without', () => {
    expect(matches({ image: ['nginx:9'] })).to.equal(true);
    expect(matches({ image: ['nginx'] })).to.equal(true);
    expect(matches({ image: ['ngin'] })).to.equal(false);
    const pulled = { type: 'image', actorId: 'a:1', attributes: { name: 'a' } } as const;
    expect(matches({ image: ['a'] }, pulled)).to.equal(true);
    expect(matches({ image: ['a:1'] }, pulled)).to.equal(true);
  });

  it('compares whole actions, but those with a detail by their beginning', () => {
    expect(matches({ event: ['start'] })).to.equal(true);
    expect(matches({ event: ['star'] })).to.equal(false);
    expect(matches({ event: ['exec_create'] }, { action: 'exec_create: sh -c' })).to.equal(true);
    expect(matches({ event: ['exec_create: sh'] }, { action: 'exec_create: sh -c' })).to.equal(
      false,
    );
  });

  it('wants one value of each key', () => {
    expect(matches({ type: ['volume', 'container'], label: ['kind=web'] })).to.equal(true);
    expect(matches({ type: ['container'], label: ['kind=db'] })).to.equal(false);
    expect(matches({ scope: ['swarm'] })).to.equal(false);
  });
});
