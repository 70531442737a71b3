import { expect } from 'chai';
import fs from 'node:fs';
import path from 'node:path';
import { FileGrowth, readGrowing } from '../../src/worker/growing-file.ts';
import { expectRejection } from '../rejection.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

describe('readGrowing', () => {
  const folder = useTemporaryFolder();
  let fd: number;
  let growth: FileGrowth;
  const write = (text: string) => fs.appendFileSync(path.join(folder(), 'file'), text);
  beforeEach(() => {
    write('');
    fd = fs.openSync(path.join(folder(), 'file'), 'r');
    growth = new FileGrowth(fd);
  });
  afterEach(() => fs.closeSync(fd));

  const readAll = async () => {
    let text = '';
    for await (const bytes of readGrowing(growth.file)) text += bytes.toString();
    return text;
  };

  it('reads what is there and what comes, to the end', async () => {
    write('one ');
    growth.reach(4);
    const reading = readAll();
    await new Promise((resolve) => setTimeout(resolve, 5));
    write('two');
    growth.reach(7);
    growth.end();
    expect(await reading).to.equal('one two');
  });

  it('reads no further than it is told', async () => {
    write('finished, not finished');
    growth.reach(8);
    growth.end();
    expect(await readAll()).to.equal('finished');
  });

  it('fails when the writer does', async () => {
    const reading = expectRejection(readAll(), 'cancelled', 'not be completed');
    growth.fail();
    await reading;
  });
});
