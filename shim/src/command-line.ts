/** The flags and verbs with which containerd starts a shim. They are Go's: one dash or two, `-flag value` or `-flag=value`. */
import { StackError } from '#spec/errors';

export interface CommandLine {
  /** Without a verb the process is the shim itself. */
  verb: 'start' | 'delete' | 'serve' | 'standby' | 'info' | 'version';
  namespace: string;
  /** Container id. */
  id: string;
  /** containerd's gRPC socket. */
  address: string;
  /** containerd's own executable, which can publish events. */
  publishBinary: string;
  /** Folder of the container, with `delete`. */
  bundle: string;
  /** Path of the shim's socket where it is not the one that the id stands for; ours. */
  socket: string;
  /** What the shim speaks; ours. */
  protocol: 'ttrpc' | 'grpc';
  /** Where the runtime listens that several shims have in common; ours. */
  runtimeSocket: string;
  debug: boolean;
}

const textFlags = {
  namespace: 'namespace',
  id: 'id',
  address: 'address',
  'publish-binary': 'publishBinary',
  bundle: 'bundle',
  socket: 'socket',
  'runtime-socket': 'runtimeSocket',
} as const;

/** Throws invalid_argument for a flag or verb that no shim has. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const line: CommandLine = {
    verb: 'serve',
    namespace: '',
    id: '',
    address: '',
    publishBinary: '',
    bundle: '',
    socket: '',
    protocol: 'ttrpc',
    runtimeSocket: '',
    debug: false,
  };
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    const match = /^--?([a-z-]+)(?:=(.*))?$/s.exec(argument);
    if (!match) {
      if (argument !== 'start' && argument !== 'delete' && argument !== 'standby') {
        throw new StackError('invalid_argument', `unknown verb "${argument}"`);
      }
      line.verb = argument;
      continue;
    }
    const [, flag = '', value] = match;
    if (flag === 'debug') line.debug = value !== 'false';
    else if (flag === 'v' || flag === 'version') line.verb = 'version';
    else if (flag === 'info') line.verb = 'info';
    else if (flag === 'grpc') line.protocol = 'grpc';
    else if (isTextFlag(flag)) {
      const text = value ?? rest.shift();
      if (text === undefined) {
        throw new StackError('invalid_argument', `flag -${flag} needs a value`);
      }
      line[textFlags[flag]] = text;
    } else throw new StackError('invalid_argument', `unknown flag "${argument}"`);
  }
  return line;
}

/** The flags of a shim that serves. */
export function serveFlags(line: Omit<CommandLine, 'verb' | 'bundle' | 'runtimeSocket'>): string[] {
  return [
    ...['-namespace', line.namespace, '-id', line.id, '-address', line.address],
    ...['-publish-binary', line.publishBinary],
    ...(line.socket ? ['-socket', line.socket] : []),
    ...(line.protocol === 'grpc' ? ['-grpc'] : []),
    ...(line.debug ? ['-debug'] : []),
  ];
}

/** The flags of a shim that waits for a container. */
export function parkFlags(
  line: Pick<CommandLine, 'address' | 'publishBinary' | 'runtimeSocket' | 'debug'>,
): string[] {
  return [
    ...['-address', line.address, '-publish-binary', line.publishBinary],
    ...(line.debug ? ['-debug'] : []),
    ...(line.runtimeSocket ? ['-runtime-socket', line.runtimeSocket] : []),
    'standby',
  ];
}

function isTextFlag(flag: string): flag is keyof typeof textFlags {
  return Object.hasOwn(textFlags, flag);
}
