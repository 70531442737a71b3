/** Boots the virtual machine and reads what it says. No hardware support is needed: everything is emulated. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

export const emulator = '/usr/bin/qemu-system-x86_64';

/** Events of this process after which the machine must not go on. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'] as const;

export interface MachineOptions {
  readonly kernel: string;
  readonly initramfs: string;
  /** Takes the machine's console while it runs. */
  readonly work: string;
  /** Further words for the kernel's command line. */
  readonly kernelOptions: readonly string[];
  /** The checks find them on the kernel's command line as `checks.NAME`, percent-encoded. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The machine is killed after this. */
  readonly timeoutMs: number;
  /** Called for every line of the second serial port. */
  readonly onLine: (line: string) => void;
}

export interface MachineResult {
  /** What the kernel and the first process wrote. */
  readonly console: string;
  readonly timedOut: boolean;
}

/** Resolves when the machine is off. */
export async function bootMachine(options: MachineOptions): Promise<MachineResult> {
  const console = path.join(options.work, 'console.log');
  const parameters = Object.entries(options.parameters).map(
    ([name, value]) => `checks.${name}=${encodeURIComponent(value)}`,
  );
  const machine = spawn(
    emulator,
    [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1536'],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-kernel', options.kernel, '-initrd', options.initramfs],
      // panic=-1: a kernel that panics reboots at once, which ends the machine.
      ...[
        '-append',
        ['console=ttyS0 loglevel=4 panic=-1', ...options.kernelOptions, ...parameters].join(' '),
      ],
      ...['-serial', `file:${console}`, '-serial', 'stdio'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    machine.kill('SIGKILL');
  }, options.timeoutMs);
  const kill = (): void => void machine.kill('SIGKILL');
  for (const event of endings) process.once(event, kill);
  try {
    const closed = new Promise<void>((resolve, reject) => {
      machine.once('error', reject);
      machine.once('close', () => resolve());
    });
    readline.createInterface({ input: machine.stdout }).on('line', options.onLine);
    await closed;
    return { console: fs.readFileSync(console, 'utf8'), timedOut };
  } finally {
    clearTimeout(deadline);
    for (const event of endings) process.off(event, kill);
  }
}
