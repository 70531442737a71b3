import { expect } from 'chai';
import { parseCommandLine } from '../src/command-line.ts';

describe('parseCommandLine', () => {
  it('reads what containerd passes to start', () => {
    const args = '-namespace ns -address /c.sock -publish-binary /bin/c -id c1 -debug start';
    expect(parseCommandLine(args.split(' '))).to.deep.equal({
      verb: 'start',
      namespace: 'ns',
      id: 'c1',
      address: '/c.sock',
      publishBinary: '/bin/c',
      bundle: '',
      socket: '',
      protocol: 'ttrpc',
      runtimeSocket: '',
      debug: true,
    });
  });

  it('reads flags in every form that Go has', () => {
    expect(parseCommandLine(['--id=a=b', '-bundle', '/b', 'delete'])).to.include({
      verb: 'delete',
      id: 'a=b',
      bundle: '/b',
    });
    expect(parseCommandLine(['-address', '/a', 'standby'])).to.include({
      verb: 'standby',
      address: '/a',
    });
    expect(parseCommandLine(['-v']).verb).to.equal('version');
    expect(parseCommandLine(['-info']).verb).to.equal('info');
    expect(parseCommandLine(['-id', 'x']).verb).to.equal('serve');
  });

  it('names what it does not know', () => {
    expect(() => parseCommandLine(['-nope'])).to.throw('unknown flag "-nope"');
    expect(() => parseCommandLine(['stop'])).to.throw('unknown verb "stop"');
    expect(() => parseCommandLine(['-id'])).to.throw('flag -id needs a value');
  });
});
