/** The same ctr commands over a real containerd and over containerd-lite, compared by exit code and text. */
import type { Context } from 'mocha';
import { expect } from 'chai';
import { needPeers, needRoot } from '../harness/peers.ts';
import { busyboxReference } from './busybox.ts';
import { startContainerdLite, startRealContainerd, type Containerd } from './ctr-cell.ts';
import { CtrClient } from './ctr-client.ts';

/** One of the two daemons, with a client on it. */
export interface Side {
  name: 'real' | 'lite';
  daemon: Containerd;
  client: CtrClient;
}

/** Arguments of ctr, or those for one side where each needs its own paths. */
export type PairedCommand = readonly string[] | ((side: Side) => readonly string[]);

export class CtrPair {
  readonly image: string;
  readonly sides: readonly Side[];

  private constructor(image: string, sides: readonly Side[]) {
    this.image = image;
    this.sides = sides;
  }

  /** Starts both with the busybox image pulled. To be called in a `before`, which may skip. */
  static async start(context: Context): Promise<CtrPair> {
    needRoot(context);
    needPeers(context, 'ctr', 'containerd', 'containerd-shim-runc-v2', 'runc');
    const image = await busyboxReference(context);
    const sides: Side[] = [];
    const pair = new CtrPair(image, sides);
    try {
      for (const [name, start] of [
        ['real', startRealContainerd],
        ['lite', startContainerdLite],
      ] as const) {
        const daemon = await start();
        const client = new CtrClient({ address: daemon.address, image });
        sides.push({ name, daemon, client });
        await client.pull();
      }
      return pair;
    } catch (error) {
      await pair.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const { client } of this.sides) await client.close();
    for (const { daemon } of this.sides) await daemon.stop();
  }

  /** Runs the commands in their order over both; exit codes and texts must be the same, one by one. */
  async compare(...commands: PairedCommand[]): Promise<void> {
    for (const command of commands) {
      const [real, ours] = await this.both(async (side) => {
        const args = typeof command === 'function' ? command(side) : command;
        const { status, stdout, stderr } = await side.client.run(...args);
        return { command: args[0], status, output: normalize(stdout + stderr, side) };
      });
      const shown = typeof command === 'function' ? command.toString() : command.join(' ');
      expect(ours, shown).to.deep.equal(real);
    }
  }

  /** Does the same over both; what it returns for the real one comes first. */
  async both<T>(act: (side: Side) => Promise<T>): Promise<[real: T, ours: T]> {
    const [real, ours] = await Promise.all(this.sides.map(act));
    return [real as T, ours as T]; // one for each side
  }
}

/**
 * Leaves out what differs between two runs of one daemon: namespace, paths, times, pids, order of labels and of mount
 * options, widths of columns, and the bars that show progress.
 */
function normalize(
  text: string,
  { name, client: { namespace }, daemon: { folders } }: Side,
): string {
  let result = text.replaceAll(namespace, 'NAMESPACE');
  for (const folder of folders) result = result.replaceAll(folder.replace(/\/state$/, ''), 'ROOT');
  return result
    .replaceAll(/ROOT\/(containerd-)?root/g, 'ROOT')
    .replaceAll(new RegExp(`/${name}/`, 'g'), '/SIDE/')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, 'TIME')
    .replaceAll(/Less than a second|\d+ seconds?|About a minute|\d+ minutes?/g, 'AGE')
    .replaceAll(/[\t ]+/g, ' ')
    .replaceAll(/^(\w+ +)?\d+ +(?=RUNNING|STOPPED|PAUSED|-)/gm, '$1PID ')
    .replaceAll(/[\w./-]+=[\w.:/-]+(,[\w.:/=-]+)+/g, (labels) =>
      labels.split(',').sort().join(','),
    );
}
