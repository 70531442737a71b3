import { expect } from 'chai';
import { StackError } from '#spec/errors';
import { applyChanges } from '../../src/images/apply-changes.ts';

describe('applyChanges', () => {
  it('takes every instruction that docker commit takes', () => {
    expect(
      applyChanges({ Env: ['A=1', 'B=2'], Labels: { x: 'y' } }, [
        'CMD echo "a b"',
        'entrypoint ["/bin/sh","-c"]',
        'ENV A=3 C="4 5"',
        'ENV D old form',
        'LABEL tier=db "quoted key"=v',
        'EXPOSE 80 53/udp',
        'VOLUME ["/a", "/b"]',
        'VOLUME /c /d',
        'USER 1000:1000',
        'WORKDIR /srv',
        'STOPSIGNAL SIGINT',
      ]),
    ).to.deep.equal({
      Cmd: ['/bin/sh', '-c', 'echo "a b"'],
      Entrypoint: ['/bin/sh', '-c'],
      Env: ['B=2', 'A=3', 'C=4 5', 'D=old form'],
      Labels: { x: 'y', tier: 'db', 'quoted key': 'v' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Volumes: { '/a': {}, '/b': {}, '/c': {}, '/d': {} },
      User: '1000:1000',
      WorkingDir: '/srv',
      StopSignal: 'SIGINT',
    });
  });

  it('refuses what it does not know, by name', () => {
    for (const [change, words] of [
      ['RUN make', 'RUN is not a valid change command'],
      ['ENV alone', 'must have two arguments'],
      ['LABEL a=b c', "can't find = in"],
    ] as const) {
      expect(() => applyChanges({}, [change]), change).to.throw(StackError, words);
    }
  });
});
