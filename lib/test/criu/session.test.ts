import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { requestTypes } from '#lib/criu/rpc';
import {
  askCriu,
  criuVersion,
  CriuError,
  passedDescriptor,
  requireFeature,
} from '#lib/criu/session';

/** Instead of criu on PATH: a script, which gets the conversation as descriptor 3. */
describe('askCriu', () => {
  let folder: string;
  const searchPath = process.env['PATH'];
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'criu-'));
    process.env['PATH'] = `${folder}:${searchPath ?? ''}`;
  });
  afterEach(() => {
    process.env['PATH'] = searchPath;
    fs.rmSync(folder, { recursive: true });
  });
  const criu = (script: string) =>
    fs.writeFileSync(path.join(folder, 'criu'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const open = () => fs.readdirSync('/proc/self/fd').length;

  it('reads the version', () => {
    // type VERSION, success, version { 3, 17, sublevel 1 }
    criu(String.raw`[ "$*" = "swrk 3" ] || exit 1
printf '\010\012\020\001\122\006\010\003\020\021\040\001' >&3`);
    expect(criuVersion()).to.equal(31_701);
  });

  it('answers notifications until the answer comes', () => {
    const heard: string[] = [];
    // NOTIFY success { script "hi", pid 5 }; what comes next must be NOTIFY with notify_success
    criu(String.raw`dd bs=100 count=1 <&3 >/dev/null 2>&1
printf '\010\006\020\001\052\006\012\002hi\020\005' >&3
dd bs=100 count=1 <&3 2>/dev/null >${folder}/answer
printf '\010\001\020\001' >&3`);
    const before = open();
    const answer = askCriu(
      { type: requestTypes.DUMP },
      { onNotify: ({ script = '', pid = 0 }) => void heard.push(`${script} ${pid}`) },
    );
    expect(answer).to.deep.equal({ type: requestTypes.DUMP, success: true });
    expect(heard).to.deep.equal(['hi 5']);
    expect(fs.readFileSync(path.join(folder, 'answer'))).to.deep.equal(Buffer.from([8, 6, 24, 1]));
    expect(open()).to.equal(before);
  });

  it('hands descriptors over under the numbers it promises', () => {
    fs.writeFileSync(path.join(folder, 'content'), 'passed');
    criu(String.raw`cat <&${passedDescriptor(1)} >${folder}/copy; printf '\010\002\020\001' >&3`);
    const fd = fs.openSync(path.join(folder, 'content'), 'r');
    askCriu({ type: requestTypes.RESTORE }, { passed: [0, fd] });
    fs.closeSync(fd);
    expect(fs.readFileSync(path.join(folder, 'copy'), 'utf8')).to.equal('passed');
  });

  it('says what criu says: errno and message', () => {
    // type DUMP, success false, errno 22, message "Error (criu/x.c:1): no"
    criu(String.raw`printf '\010\001\020\000\070\026\112\026Error (criu/x.c:1): no' >&3`);
    const before = open();
    try {
      askCriu({ type: requestTypes.DUMP });
      expect.fail('it failed');
    } catch (error) {
      expect(error).to.be.instanceOf(CriuError);
      expect((error as CriuError).message).to.equal('criu failed: type DUMP errno 22');
      expect((error as CriuError).complaints).to.deep.equal(['Error (criu/x.c:1): no']);
    }
    expect(open()).to.equal(before);
  });

  it('says what one printed that died without an answer', () => {
    criu(`echo 'Error (criu/vdso.c:381): odd' >&2; exit 1`);
    try {
      criuVersion();
      expect.fail('it failed');
    } catch (error) {
      expect((error as CriuError).message).to.equal('criu ended without an answer');
      expect((error as CriuError).complaints).to.deep.equal(['Error (criu/vdso.c:381): odd']);
    }
  });

  it('knows a missing feature and a missing criu', () => {
    criu(String.raw`printf '\010\011\020\001\102\002\010\000' >&3`);
    expect(() => requireFeature('mem_track')).to.throw('criu is missing features: mem_track');
    process.env['PATH'] = '/nowhere';
    expect(() => criuVersion()).to.throw('exec: "criu": executable file not found in $PATH');
  });
});
