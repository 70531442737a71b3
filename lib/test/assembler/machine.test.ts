import { expect } from 'chai';
import { Arm64Machine } from '#lib/assembler/arm64-machine';
import type { Machine } from '#lib/assembler/machine';
import { X64Machine } from '#lib/assembler/x64-machine';

/** What each call assembles to, in hex; the bytes are those that GNU as and objdump agree on. */
const encodings: readonly {
  name: string;
  emit: (machine: Machine) => void;
  x64: string;
  arm64: string;
}[] = [
  {
    name: 'constant, small',
    emit: (m) => m.constant('arg0', 5),
    x64: '48c7c705000000',
    arm64: 'a00080d2',
  },
  {
    name: 'constant, negative',
    emit: (m) => m.constant('s3', -100),
    x64: '49c7c59cffffff',
    arm64: '760c8092',
  },
  {
    name: 'constant, 64 bits',
    emit: (m) => m.constant('t1', 0x123456789abcdef0n),
    x64: '49bbf0debc9a78563412',
    arm64: '0ade9bd28a57b3f20acfcaf28a46e2f2',
  },
  {
    name: 'constant 0',
    emit: (m) => m.constant('s0', 0),
    x64: '48c7c300000000',
    arm64: '130080d2',
  },
  {
    name: 'constant -1',
    emit: (m) => m.constant('s0', -1),
    x64: '48c7c3ffffffff',
    arm64: '13008092',
  },
  {
    name: 'constant 2^32-1',
    emit: (m) => m.constant('s0', 0xffffffff),
    x64: '48bbffffffff00000000',
    arm64: 'f3ff9fd2f3ffbff2',
  },
  { name: 'move', emit: (m) => m.move('s2', 'result'), x64: '4989c4', arm64: 'f50300aa' },
  { name: 'move from sp', emit: (m) => m.move('s3', 'sp'), x64: '4989e5', arm64: 'f6030091' },
  { name: 'load 1', emit: (m) => m.load('t0', 's0', 17, 1), x64: '400fb64b11', arm64: '69464039' },
  {
    name: 'load 2',
    emit: (m) => m.load('number', 's0', 4, 2),
    x64: '400fb74304',
    arm64: '680a4079',
  },
  {
    name: 'load 4',
    emit: (m) => m.load('arg1', 's2', 300, 4),
    x64: '418bb4242c010000',
    arm64: 'a12e41b9',
  },
  { name: 'load 8', emit: (m) => m.load('arg5', 'sp', 8, 8), x64: '4c8b4c2408', arm64: 'e50740f9' },
  {
    name: 'load 8, negative offset',
    emit: (m) => m.load('t0', 's3', -8, 8),
    x64: '498b4df8',
    arm64: 'f0008092d062308b090240f9',
  },
  { name: 'store 1', emit: (m) => m.store('arg0', 's1', 0, 1), x64: '40887d00', arm64: '80020039' },
  { name: 'store 4', emit: (m) => m.store('t1', 's4', 8, 4), x64: '45895e08', arm64: 'ea0a00b9' },
  {
    name: 'store 8',
    emit: (m) => m.store('s5', 's3', 4096, 8),
    x64: '4d89bd00100000',
    arm64: 'd80208f9',
  },
  { name: 'add constant', emit: (m) => m.add('s0', 104), x64: '4883c368', arm64: '73a20191' },
  {
    name: 'add large constant',
    emit: (m) => m.add('t0', 100000),
    x64: '4881c1a0860100',
    arm64: '10d490d23000a0f22901108b',
  },
  { name: 'add register', emit: (m) => m.add('t0', 's1'), x64: '4801e9', arm64: '2901148b' },
  {
    name: 'subtract from sp',
    emit: (m) => m.subtract('sp', 368),
    x64: '4881ec70010000',
    arm64: 'ffc305d1',
  },
  {
    name: 'subtract register from sp',
    emit: (m) => m.subtract('sp', 't0'),
    x64: '4829cc',
    arm64: 'ff6329cb',
  },
  { name: 'and', emit: (m) => m.and('t0', 't1'), x64: '4c21d9', arm64: '29010a8a' },
  { name: 'enter kernel', emit: (m) => m.enterKernel(), x64: '0f05', arm64: '010000d4' },
];

const machines = { x64: () => new X64Machine(), arm64: () => new Arm64Machine() };

for (const architecture of ['x64', 'arm64'] as const) {
  describe(`the ${architecture} machine`, () => {
    for (const encoding of encodings) {
      it(`encodes ${encoding.name}`, () => {
        const machine = machines[architecture]();
        encoding.emit(machine);
        expect(machine.finish().toString('hex')).to.equal(encoding[architecture]);
      });
    }

    it('refuses to finish with a label that was never placed', () => {
      const machine = machines[architecture]();
      machine.jump(machine.label());
      expect(() => machine.finish()).to.throw('never placed');
    });

    it('aligns data to 8 bytes', () => {
      const machine = machines[architecture]();
      machine.enterKernel();
      const first = machine.data(Buffer.from('x'));
      const second = machine.data(Buffer.from('y'));
      expect([first.position, second.position]).to.deep.equal([8, 16]);
    });
  });
}

describe('branches', () => {
  it('reach back and forth on x86-64', () => {
    const machine = new X64Machine();
    const [back, forth] = [machine.label(), machine.label()];
    machine.place(back);
    machine.branch('below', 's0', 's1', forth); // cmp rbx, rbp; jb +5
    machine.jump(back); // jmp -14
    machine.place(forth);
    expect(machine.finish().toString('hex')).to.equal('4839eb0f8205000000e9f2ffffff');
  });

  it('reach back and forth on arm64', () => {
    const machine = new Arm64Machine();
    const [back, forth] = [machine.label(), machine.label()];
    machine.place(back);
    machine.branch('less', 's0', -2, forth); // cmn x19, #2; b.lt +8
    machine.jump(back); // b -8
    machine.place(forth);
    expect(machine.finish().toString('hex')).to.equal('7f0a00b14b000054feffff17');
  });
});
