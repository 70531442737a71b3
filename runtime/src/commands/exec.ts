/** `exec`: a further process in a container. */
import fs from 'node:fs';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { messageOf, StackError } from '#spec/errors';
import { parseProcess, type Process } from '#spec/oci/process';
import type { Command, Invocation } from '../command-line/command.ts';
import type { Flags } from '../command-line/flags.ts';
import { compileExec } from '../compile/exec-program.ts';
import type { JoinedNamespace } from '../compile/namespaces.ts';
import { checkContainerId } from '../container/container-id.ts';
import { isAlive } from '../container/process-identity.ts';
import { StateStore, type ContainerRecord } from '../container/state-store.ts';
import { hookState, statusOf } from '../container/status.ts';
import { noCgroup, placementForExec, recordedCgroup } from '../host/cgroups.ts';
import { seccompProgram, warnOfCapabilities } from '../host/compile-options.ts';
import { converse } from '../host/conversation.ts';
import { capabilityFacts, securityModules } from '../host/facts.ts';
import { consoleDescriptors, consoleSocket, consoleTarget } from '../host/console-socket.ts';
import { Foreground } from '../host/foreground.ts';
import { homeDirectory } from '../host/home-directory.ts';
import { preservedDescriptors } from '../host/inherited-descriptors.ts';
import { sendPidfd } from '../host/pidfd-socket.ts';
import { foreignNamespaces } from '../host/namespaces.ts';
import { originalOpenFiles } from '../host/open-files.ts';
import { sendSeccompListener } from '../host/seccomp-listener.ts';
import { debugProgram } from '../log/debug-program.ts';
import { inContext } from './error-context.ts';

export const exec: Command = {
  usage: 'exec [flags] <container-id> <command> [args...]',
  description: 'execute a further process in a container',
  flags: {
    'console-socket': {
      kind: 'string',
      help: 'unix socket that receives the master of the terminal',
    },
    cwd: { kind: 'string', help: 'working directory' },
    env: { kind: 'list', alias: 'e', help: 'NAME=value; may be repeated' },
    tty: { kind: 'boolean', alias: 't', help: 'give it a terminal' },
    user: { kind: 'string', alias: 'u', help: 'uid[:gid]' },
    'additional-gids': { kind: 'list', alias: 'g', help: 'further groups; may be repeated' },
    process: { kind: 'string', alias: 'p', help: 'file with the process as in config.json' },
    detach: { kind: 'boolean', alias: 'd', help: 'leave it running and return' },
    'pidfd-socket': { kind: 'string', help: 'unix socket that receives a pidfd of the process' },
    'process-label': { kind: 'string', help: 'SELinux label of the process' },
    apparmor: { kind: 'string', help: 'AppArmor profile of the process' },
    cgroup: {
      kind: 'list',
      help: "[controller,...:]path below the container's cgroup; may be repeated on cgroup v1",
    },
    'pid-file': { kind: 'string', help: 'file to write the process id to' },
    'no-new-privs': { kind: 'boolean', help: 'forbid new privileges' },
    cap: { kind: 'list', alias: 'c', help: 'a further capability; may be repeated' },
    'preserve-fds': { kind: 'number', help: 'hand on so many descriptors from 3 on' },
    'ignore-paused': { kind: 'boolean', help: 'also in a paused container' },
  },
  minimumArguments: 1,
  maximumArguments: Infinity,
  run: (invocation) => inContext('exec failed', () => execute(invocation)),
};

async function execute({ flags, root, log }: Invocation): Promise<number> {
  const store = new StateStore(root);
  const record = store.read(checkContainerId(flags.positional[0]));
  refuseStatus(statusOf(record, store), flags);
  const described = describeProcess(record, flags);
  const detach = flags.has('detach');
  const socketPath = flags.text('console-socket');
  if (detach && (described.terminal ?? false) !== (socketPath !== undefined)) {
    throw new StackError(
      'invalid_argument',
      described.terminal
        ? 'cannot allocate tty if runtime will detach without setting console socket'
        : 'cannot use console socket if runtime will not detach or allocate tty',
    );
  }
  const foreground = detach ? undefined : new Foreground(described, socketPath);
  try {
    const namespaces = foreignNamespaces(record.pid);
    const facts = {
      ...capabilityFacts(namespaces.some(({ type }) => type === 'user')),
      securityModules: securityModules(),
    };
    warnOfCapabilities(described, facts, (message) => log.warn(message));
    const preserved = preservedDescriptors(flags.number('preserve-fds') ?? 0);
    const cgroup = recordedCgroup(record.cgroupPath);
    const seccomp = seccompProgram(record.config);
    const openFiles = originalOpenFiles();
    const console = foreground ? foreground.console : consoleSocket(socketPath);
    const program = compileExec({
      id: record.id,
      process: described,
      namespaces,
      linux: record.config.linux,
      ...(leadsElsewhere(namespaces, record, store) && { root: `/proc/${record.pid}/root` }),
      cgroup: cgroup ? placementForExec(cgroup, record.pid, flags.list('cgroup')) : noCgroup,
      facts,
      ...(console && { console: consoleTarget(console) }),
      preservedDescriptors: preserved.length,
      home: homeDirectory(`/proc/${record.pid}/root`, described),
      noNewKeyring: record.noNewKeyring,
      ...(seccomp && { seccomp }),
      ...(openFiles && { openFiles }),
    });
    const running = converse(program, {
      ...debugProgram(log, program),
      process: described,
      preserved,
      descriptors: consoleDescriptors(console),
      tolerant: process.geteuid?.() !== 0,
      detached: foreground === undefined,
      onSeccomp({ pid }, fd) {
        const state = hookState(record, 'running');
        sendSeccompListener(record.config.linux?.seccomp, { pid, fd, state });
      },
      onReady({ pid }) {
        // The namespaces were opened by pid: only now is it certain whose they were.
        if (!isAlive(record.pid, record.startTime)) {
          throw new StackError('conflict', 'cannot exec in a stopped container');
        }
        const pidfdSocket = flags.text('pidfd-socket');
        if (pidfdSocket !== undefined) sendPidfd(pidfdSocket, pid, 'setns');
        const pidFile = flags.text('pid-file');
        if (pidFile !== undefined) writeFileAtomicSync(pidFile, String(pid), { mode: 0o644 });
      },
    });
    try {
      running.awaitExecution();
    } catch (error) {
      running.leave();
      throw error;
    }
    if (foreground) return await foreground.follow(running);
    running.leave();
    return 0;
  } finally {
    foreground?.close();
  }
}

function refuseStatus(status: string, flags: Flags): void {
  if (status === 'stopped') {
    throw new StackError('conflict', 'cannot exec in a stopped container');
  }
  if (status === 'creating') {
    throw new StackError('conflict', 'cannot exec in a container that is being created');
  }
  if (status === 'paused' && !flags.has('ignore-paused')) {
    throw new StackError(
      'conflict',
      'cannot exec in a paused container (use --ignore-paused to override)',
    );
  }
}

/** Whether joining the container's mount namespace does not lead to its root: one that it shares with the host. */
function leadsElsewhere(
  namespaces: readonly JoinedNamespace[],
  { id }: ContainerRecord,
  store: StateStore,
): boolean {
  return !namespaces.some(({ type }) => type === 'mount') || fs.existsSync(store.rootMount(id));
}

/** From --process, or the container's own process changed by the flags. */
function describeProcess({ config }: ContainerRecord, flags: Flags): Process {
  const file = flags.text('process');
  if (file !== undefined) {
    try {
      return completed(parseProcess(JSON.parse(fs.readFileSync(file, 'utf8'))), config.process);
    } catch (error) {
      throw new StackError('invalid_argument', `--process ${file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  const args = flags.positional.slice(1);
  if (args.length === 0) throw new StackError('invalid_argument', 'process args cannot be empty');
  const { consoleSize: _size, ...own } = config.process;
  return {
    ...own,
    args,
    terminal: flags.has('tty'),
    cwd: flags.text('cwd') ?? own.cwd,
    env: [...(own.env ?? []), ...flags.list('env')],
    user: readUser(flags, own.user),
    ...(flags.text('apparmor') !== undefined && { apparmorProfile: flags.text('apparmor') ?? '' }),
    ...(flags.text('process-label') !== undefined && {
      selinuxLabel: flags.text('process-label') ?? '',
    }),
    ...(flags.has('no-new-privs') && { noNewPrivileges: true }),
    ...(flags.list('cap').length > 0 && { capabilities: addCapabilities(own, flags.list('cap')) }),
  };
}

/** What --process leaves out is as in the container, as with runc. */
function completed(described: Process, own: Process): Process {
  const { capabilities, rlimits, apparmorProfile, selinuxLabel } = own;
  return {
    ...(capabilities && { capabilities }),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
    ...described,
    ...(rlimits && !described.rlimits?.length && { rlimits }),
  };
}

function readUser(flags: Flags, own: Process['user']): Process['user'] {
  const written = flags.text('user');
  const groups = flags.list('additional-gids').map(Number);
  const additionalGids = [...(own.additionalGids ?? []), ...groups];
  if (groups.some(Number.isNaN)) {
    throw new StackError('invalid_argument', '--additional-gids takes numbers');
  }
  if (written === undefined) return { ...own, additionalGids };
  const match = /^(\d+)(?::(\d+))?$/.exec(written);
  if (!match) throw new StackError('invalid_argument', `--user "${written}" is not uid[:gid]`);
  return { ...own, additionalGids, uid: Number(match[1]), gid: Number(match[2] ?? own.gid) };
}

/** As runc: not into the inheritable set (CVE-2022-29162), and into the ambient one, which needs that, for what is there. */
function addCapabilities(
  own: Process,
  added: readonly string[],
): NonNullable<Process['capabilities']> {
  const merge = (set: readonly string[] = []) => [...new Set([...set, ...added])];
  const { capabilities = {} } = own;
  const { inheritable, ambient } = capabilities;
  return {
    ...capabilities,
    bounding: merge(capabilities.bounding),
    effective: merge(capabilities.effective),
    permitted: merge(capabilities.permitted),
    ...(inheritable && { ambient: merge(ambient) }),
  };
}
