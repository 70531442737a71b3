import { expect } from 'chai';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { remappedUser, type UserFiles } from '../../src/userns/remapped-user.ts';

describe('remappedUser', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'users-'));
  const file = (name: string, ...lines: string[]): string => {
    const written = path.join(folder, name);
    fs.writeFileSync(written, lines.map((line) => `${line}\n`).join(''));
    return written;
  };
  const files: UserFiles = {
    passwd: file('passwd', 'root:x:0:0::/:/bin/sh', 'anna:x:1000:1000::/:/bin/sh', 'ben:x:7:8::/:'),
    group: file('group', 'root:x:0:', 'anna:x:1000:', 'staff:x:50:'),
    subuid: file('subuid', 'anna:300000:10', '# a remark', '', '1000:200000:65536'),
    subgid: file('subgid', 'anna:400000:65536'),
  };
  after(() => fs.rmSync(folder, { recursive: true }));

  const anna = {
    uidMappings: [
      { containerID: 0, hostID: 200_000, size: 65_536 },
      { containerID: 65_536, hostID: 300_000, size: 10 },
    ],
    gidMappings: [{ containerID: 0, hostID: 400_000, size: 65_536 }],
  };

  for (const text of ['anna', 'anna:staff', 'anna:50', '1000', '1000:50', '1000:anna']) {
    it(`takes the ranges of the user for "${text}", by name and by number, in their order`, () => {
      expect(remappedUser(text, files)).to.deep.equal(anna);
    });
  }

  it('remaps nothing for root', () => {
    expect(remappedUser('root', files)).to.equal(undefined);
    expect(remappedUser('0', files)).to.equal(undefined);
  });

  const refused: [string, string][] = [
    ['a:b:c', 'Invalid user/group specification in --userns-remap: "a:b:c"'],
    ['nobody', 'Error during uid lookup for "nobody": no matching entries in passwd file'],
    ['12', 'Uid 12 has no entry in /etc/passwd: no matching entries in passwd file'],
    ['ben', 'Error during gid lookup for "ben": no matching entries in group file'],
    ['7', 'Gid 7 has no entry in /etc/group: no matching entries in group file'],
    ['anna:12', 'Gid 12 has no entry in /etc/passwd: no matching entries in group file'],
    ['anna:ben', 'Error during groupname lookup for "ben": no matching entries in group file'],
    ['ben:staff', 'Can\'t create ID mappings: no subuid ranges found for user "ben"'],
  ];
  for (const [text, words] of refused) {
    it(`refuses "${text}"`, () => {
      expect(() => remappedUser(text, files)).to.throw(words);
    });
  }

  it('refuses a file of ranges that it cannot read', () => {
    const subuid = file('wrong', 'anna:12');
    expect(() => remappedUser('anna', { ...files, subuid })).to.throw(
      'Cannot parse subuid/gid information: Format not correct for',
    );
  });
});
