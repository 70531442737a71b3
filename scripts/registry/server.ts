/** One docker-registry process, remembered in a state folder. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

interface Running {
  pid: number;
  address: string;
}

/** The address of the registry that was started in `state` and still runs. */
export function runningRegistry(state: string): string | undefined {
  return read(state)?.address;
}

/** Starts a registry over the folder `storage` and waits until it answers. Returns its address. */
export async function startRegistry(state: string, storage: string): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const config = configFile(state);
  fs.writeFileSync(
    config,
    [
      'version: 0.1',
      'log: { level: warn }',
      `storage: { filesystem: { rootdirectory: ${JSON.stringify(storage)} }, delete: { enabled: true } }`,
      `http: { addr: "${address}" }`,
      '',
    ].join('\n'),
  );
  const log = fs.openSync(path.join(state, 'registry.log'), 'a');
  const child = spawn('/usr/bin/docker-registry', ['serve', config], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  fs.closeSync(log);
  child.unref();
  if (child.pid === undefined) throw new Error('docker-registry could not be started');
  const running: Running = { pid: child.pid, address };
  fs.writeFileSync(stateFile(state), JSON.stringify(running));
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await answers(address)) return address;
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  throw new Error(`docker-registry does not answer; see ${path.join(state, 'registry.log')}`);
}

/** Stops the registry of `state`, if there is one, and waits for its end. */
export async function stopRegistry(state: string): Promise<void> {
  const running = read(state);
  if (!running) return;
  process.kill(running.pid, 'SIGTERM');
  for (let attempt = 0; attempt < 100 && read(state); attempt++) await sleep(50);
  if (read(state)) process.kill(running.pid, 'SIGKILL');
  fs.rmSync(stateFile(state), { force: true });
}

/** What was started, if it is still the same process: its command line names our configuration. */
function read(state: string): Running | undefined {
  if (!fs.existsSync(stateFile(state))) return undefined;
  const running = JSON.parse(fs.readFileSync(stateFile(state), 'utf8')) as Running; // our own file
  return commandLineOf(running.pid).includes(configFile(state)) ? running : undefined;
}

function commandLineOf(pid: number): string {
  try {
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    return (await fetch(`http://${address}/v2/`)).ok;
  } catch {
    return false; // not yet listening
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo; // a TCP server has no other kind of address
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function configFile(state: string): string {
  return path.join(state, 'registry.yml');
}

function stateFile(state: string): string {
  return path.join(state, 'running.json');
}
