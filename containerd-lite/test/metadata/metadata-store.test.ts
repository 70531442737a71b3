import { expect } from 'chai';
import path from 'node:path';
import { MetadataStore } from '../../src/metadata/metadata-store.ts';
import { useTemporaryFolder } from '../temporary-folder.ts';

describe('MetadataStore', () => {
  const folder = useTemporaryFolder();
  let metadata: MetadataStore;
  const open = () => (metadata = new MetadataStore(path.join(folder(), 'metadata')));
  beforeEach(open);
  afterEach(async () => metadata.close());

  const put = (namespace: string, name: string, size = 1) =>
    metadata.leases.put(namespace, name, {
      createdAt: { seconds: size, nanos: 0 },
      labels: {},
      resources: [],
    });
  const names = (namespace: string, prefix?: string) =>
    metadata.leases.list(namespace, prefix).map(({ name }) => name);

  it('lists names of a namespace in order, and by prefix', () => {
    metadata.change(() => {
      for (const name of ['b', 'a/2', 'a/1', 'c']) put('one', name);
      put('on', 'e/a');
      put('two', 'a/3');
    });
    expect(names('one')).to.deep.equal(['a/1', 'a/2', 'b', 'c']);
    expect(names('one', 'a/')).to.deep.equal(['a/1', 'a/2']);
    expect(names('one', 'd')).to.deep.equal([]);
  });

  it('keeps its order through changes of any kind, those that are undone too', () => {
    const model = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const name = `${round % 3 === 0 ? 'a/' : ''}${(round * 7919) % 101}`;
      const isUndone = round % 5 === 0;
      const isDeletion = round % 4 === 1;
      const change = () => {
        if (isDeletion) metadata.leases.delete('ns', name);
        else put('ns', name);
        if (isUndone) throw new Error('no');
      };
      if (isUndone) expect(() => metadata.change(change)).to.throw('no');
      else {
        metadata.change(change);
        if (isDeletion) model.delete(name);
        else model.add(name);
      }
    }
    const expected = [...model].sort();
    expect(names('ns')).to.deep.equal(expected);
    expect(names('ns', 'a/')).to.deep.equal(expected.filter((name) => name.startsWith('a/')));
    expect(metadata.leases.listAll().map(({ name }) => name)).to.deep.equal(expected);
  });

  it('gives lists that later changes leave alone', () => {
    metadata.change(() => put('ns', 'a'));
    const lists = [metadata.leases.list('ns'), metadata.leases.listAll()];
    metadata.change(() => {
      put('ns', 'b');
      metadata.leases.delete('ns', 'a');
    });
    for (const list of lists) expect(list.map(({ name }) => name)).to.deep.equal(['a']);
  });

  it('undoes a change that throws, as a whole', () => {
    metadata.change(() => put('ns', 'kept', 1));
    const change = () =>
      metadata.change(() => {
        put('ns', 'kept', 2);
        put('ns', 'new');
        metadata.leases.delete('ns', 'kept');
        throw new Error('no');
      });
    expect(change).to.throw('no');
    expect(names('ns')).to.deep.equal(['kept']);
    expect(metadata.leases.get('ns', 'kept')?.createdAt.seconds).to.equal(1);
  });

  it('undoes the inner of two changes alone when only that is caught', () => {
    metadata.change(() => {
      put('ns', 'outer');
      try {
        metadata.change(() => {
          put('ns', 'inner');
          throw new Error('no');
        });
      } catch {
        // the outer one goes on
      }
    });
    expect(names('ns')).to.deep.equal(['outer']);
  });

  it('has everything on the disk once it is settled, in the order of the changes', async () => {
    metadata.change(() => put('ns', 'deleted'));
    metadata.change(() => put('ns', 'changed', 1));
    const first = metadata.settled();
    metadata.change(() => metadata.leases.delete('ns', 'deleted'));
    metadata.change(() => put('ns', 'changed', 2));
    await first;
    await metadata.settled();
    expect(metadata.settled()).to.equal(undefined);
    await metadata.close();
    open();
    expect(names('ns')).to.deep.equal(['changed']);
    expect(metadata.leases.get('ns', 'changed')?.createdAt.seconds).to.equal(2);
  });

  it('gives a number once, across starts', async () => {
    const next = () => metadata.change(() => metadata.next('id'));
    expect([next(), next()]).to.deep.equal([1, 2]);
    await metadata.close();
    open();
    expect(next()).to.equal(3);
  });

  it('refuses to write outside a change, and names that are too long', () => {
    expect(() => put('ns', 'x')).to.throw('outside a change');
    expect(() => metadata.change(() => put('ns', 'x'.repeat(2000)))).to.throw('too long');
  });
});
