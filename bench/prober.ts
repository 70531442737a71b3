/**
 * Asks a daemon for a sign of life every few milliseconds until its input ends; then writes how long each answer took, as JSON.
 * A process of its own, so that nothing else which the benchmark does is counted as the daemon's. Usage:
 * prober.ts ping unix://SOCKET | prober.ts health SOCKET
 */
import http from 'node:http';
import { ContainerdClient } from '#proto/containerd-client';

const everyMs = 10;

async function pinger(host: string): Promise<() => Promise<void>> {
  const agent = new http.Agent({ keepAlive: true });
  const socketPath = host.replace(/^unix:\/\//, '');
  const ping = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = http.get({ socketPath, agent, path: '/_ping' }, (response) => {
        response.resume().once('end', resolve);
      });
      request.once('error', reject);
    });
  await ping(); // connects
  return ping;
}

async function healthChecker(address: string): Promise<() => Promise<void>> {
  const client = new ContainerdClient(address, { namespace: 'bench' });
  const check = async (): Promise<void> => {
    await client.health.check({ service: '' });
  };
  await check();
  return check;
}

const [, , kind = '', address = ''] = process.argv;
const probe = await (kind === 'ping' ? pinger(address) : healthChecker(address));
const samples: number[] = [];
const under = new Set<Promise<void>>();

/** Does not wait for the answer before: a daemon that is away for a second would count as one slow answer. */
const timer = setInterval(() => {
  const started = performance.now();
  const answered = probe().then(() => {
    samples.push(performance.now() - started);
    under.delete(answered);
  });
  under.add(answered);
}, everyMs);
console.log('ready');
process.stdin.resume();
process.stdin.once('end', () => {
  clearInterval(timer);
  void Promise.all(under).then(() => {
    console.log(JSON.stringify(samples));
    process.exit(0);
  });
});
