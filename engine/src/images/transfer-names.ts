/** What containerd pulls or loads for us has a name of its own kind until it is complete and has a lasting one; nobody sees it. */
import { randomUUID } from 'node:crypto';
import type { ContainerdClient } from '#proto/containerd-client';
import { isStackError } from '#spec/errors';
import { tidyUp } from './tidy-later.ts';

const transferPrefix = 'engine-pulling@';

/** How long an image may wait for its name: it is garbage after that, should no engined come back. */
export const unnamedMs = 10 * 60 * 1000;

/** A new one. */
export function transferName(): string {
  return `${transferPrefix}${randomUUID()}`;
}

/** Whether a name in the store is of this kind. */
export function isTransferName(name: string): boolean {
  return name.startsWith(transferPrefix);
}

/** Drops all names that begin with `name`; later, if containerd is away. */
export async function endTransfer(client: ContainerdClient, name: string): Promise<void> {
  await tidyUp(() => dropNames(client, name), unnamedMs);
}

/** Drops the names of transfers that an engine has not survived. To be called before there are new ones. */
export async function endTransfers(client: ContainerdClient): Promise<void> {
  await dropNames(client, transferPrefix);
}

async function dropNames({ images }: ContainerdClient, prefix: string): Promise<void> {
  for (const { name } of (await images.list({})).images) {
    if (!name.startsWith(prefix)) continue;
    await images.delete({ name }).catch((error: unknown) => {
      if (!isStackError(error, 'not_found')) throw error; // expired meanwhile
    });
  }
}
