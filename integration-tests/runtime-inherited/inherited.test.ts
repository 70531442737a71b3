/**
 * What a container's process finds when it begins: limits, signals, umask, descriptors, priorities, terminal. Under our
 * shim and under containerd's, with our runtime and with runc: it must not be able to tell the difference.
 */
import { expect } from 'chai';
import { executablePath } from '#lib/installation/installation';
import { run, runOk } from '../harness/command.ts';
import { findPeer, needPeers, needRoot } from '../harness/peers.ts';
import { runInTerminal } from '../harness/terminal.ts';
import { busyboxReference } from '../interop/busybox.ts';
import { startRealContainerd, type Containerd } from '../interop/ctr-cell.ts';
import { CtrClient } from '../interop/ctr-client.ts';
import { startWithRenamedShim } from '../interop/renamed-shim.ts';
import { parseProbe, probeScript } from './probe.ts';

type Probe = Readonly<Record<string, string>>;

const runtimes = { ours: executablePath('runtime'), runc: findPeer('runc') ?? 'runc' };
const shims: Readonly<Record<string, () => Promise<Containerd>>> = {
  'containerd-shim-runc-v2': startRealContainerd,
  'our shim': startWithRenamedShim,
};

describe('what a process inherits', function () {
  this.timeout(60_000);
  /** runc's, under containerd's own shim. */
  const expected = new Map<string, Probe>();

  for (const [shim, start] of Object.entries(shims)) {
    for (const [runtime, binary] of Object.entries(runtimes).reverse()) {
      describe(`under ${shim} and ${runtime === 'ours' ? 'our runtime' : runtime}`, () => {
        let containerd: Containerd | undefined;
        let ctr: CtrClient | undefined;
        let count = 0;

        before(async function () {
          needRoot(this);
          needPeers(this, 'ctr', 'containerd', 'containerd-shim-runc-v2', 'runc');
          const image = await busyboxReference(this);
          containerd = await start();
          const runFlags = ['--runtime', 'io.containerd.runc.v2', '--runc-binary', binary];
          const { address, folders } = containerd;
          ctr = new CtrClient({ address, image, runFlags, folders });
          await ctr.pull();
        });

        after(async () => {
          await ctr?.close();
          await containerd?.stop();
        });

        for (const terminal of [false, true]) {
          const where = terminal ? 'in a terminal' : 'without a terminal';

          it(`a container's first process, ${where}`, async () => {
            const client = needClient(ctr);
            const script = ['sh', '-c', probeScript];
            const argv = client.runCommand(`first-${++count}`, { terminal }, script);
            check(`first ${where}`, await probe(argv, terminal));
          });

          it(`an exec, ${where}`, async () => {
            const client = needClient(ctr);
            const name = `exec-${++count}`;
            const [file = '', ...args] = client.runCommand(name, { detached: true }, [
              ...['sleep', '1000'],
            ]);
            await runOk(file, args);
            try {
              const argv = client.execCommand(name, { terminal }, ['sh', '-c', probeScript]);
              check(`exec ${where}`, await probe(argv, terminal));
            } finally {
              await client.kill(name, 'KILL');
              await client.exitCode(name);
              await client.remove(name);
            }
          });
        }

        function check(what: string, found: Probe): void {
          const baseline = expected.get(what);
          if (baseline) expect(found).to.deep.equal(baseline);
          else expected.set(what, found);
          expect(found).to.include({ 'status SigBlk': '0000000000000000' });
          expect(found).to.include.keys(['limits Max open files', 'status Umask', 'descriptors 2']);
        }
      });
    }
  }
});

function needClient(client: CtrClient | undefined): CtrClient {
  if (!client) throw new Error('ctr has not been started');
  return client;
}

async function probe(argv: readonly string[], terminal: boolean): Promise<Probe> {
  const [file = '', ...args] = argv;
  const { stdout, stderr } = terminal
    ? await runInTerminal(argv.map(quote).join(' '), { rows: 33, columns: 77 })
    : await run(file, args);
  const found = parseProbe(stdout);
  if (Object.keys(found).length === 0) throw new Error(`nothing was printed: ${stdout}${stderr}`);
  return found;
}

/** One shell word. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
