import { expect } from 'chai';
import type { ContainerdClient } from '#proto/containerd-client';
import { StackError } from '#spec/errors';
import { CreationLease } from '../../src/daemon/creation-lease.ts';

describe('CreationLease', () => {
  /** A containerd that has leases only. */
  function createLease() {
    const leases = new Map<string, Record<string, string>>();
    let made = 0;
    const client = {
      leases: {
        create: async ({ id, labels }: { id: string; labels: Record<string, string> }) => {
          made += 1;
          leases.set(id, labels);
        },
        delete: async ({ id }: { id: string }) => void leases.delete(id),
      },
    } as unknown as ContainerdClient; // the parts that are used here
    const lease = new CreationLease(client, { owner: 'me' });
    /** What containerd does with a lease that it does not know. */
    const create = async (id: string): Promise<string> => {
      if (!leases.has(id)) throw new StackError('not_found', `lease "${id}": not found`);
      return id;
    };
    return { lease, leases, create, made: () => made };
  }

  it('is one for creates at the same time and one after the other', async () => {
    const { lease, leases, create, made } = createLease();
    const ids = await Promise.all([lease.run(create), lease.run(create)]);
    ids.push(await lease.run(create));
    expect(new Set(ids).size).to.equal(1);
    expect(made()).to.equal(1);
    const [id] = ids;
    expect(lease.holds(id)).to.equal(true);
    expect(leases.get(id)).to.include({ owner: 'me' });
    expect(Date.parse(leases.get(id)?.['containerd.io/gc.expire'] ?? '')).to.be.greaterThan(
      Date.now(),
    );
    await lease.end();
    expect([...leases]).to.deep.equal([]);
    expect(lease.holds(id)).to.equal(false);
  });

  it('is made again where somebody has deleted it', async () => {
    const { lease, leases, create, made } = createLease();
    await lease.run(create);
    leases.clear();
    await lease.run(create);
    expect(made()).to.equal(2);
    await lease.end();
    expect([...leases]).to.deep.equal([]);
  });

  it('does not repeat what failed for another reason', async () => {
    const { lease } = createLease();
    let calls = 0;
    const failing = async (): Promise<never> => {
      calls += 1;
      throw new StackError('not_found', 'snapshot "x": not found');
    };
    await lease.run(async () => undefined);
    const error: unknown = await lease.run(failing).catch((failure: unknown) => failure);
    expect(error).to.be.instanceOf(StackError);
    expect(calls).to.equal(1);
    await lease.end();
  });
});
