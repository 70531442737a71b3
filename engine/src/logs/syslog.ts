/** The log driver syslog: docker's options, addresses and formats. */
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { errorCode, StackError } from '#spec/errors';
import type { ContainerRecord } from '../daemon/container.ts';
import { logTag } from './log-attributes.ts';
import type { LogSink, MessageCarrier } from './log-sink.ts';
import { reconnectingStream, udpDatagrams, unixDatagrams } from './message-carriers.ts';

type LogOptions = Readonly<Record<string, string>>;

export const syslogOptions = [
  'syslog-address',
  'syslog-facility',
  'syslog-format',
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
];

// prettier-ignore
const facilities = [
  'kern', 'user', 'mail', 'daemon', 'auth', 'syslog', 'lpr', 'news', 'uucp', 'cron', 'authpriv', 'ftp',
  '', '', '', '', 'local0', 'local1', 'local2', 'local3', 'local4', 'local5', 'local6', 'local7',
];

/** Where syslog listens on its own machine, unless an address is given. */
const localSockets = ['/dev/log', '/var/run/syslog', '/var/run/log'];
const defaultPort = 514;
const severities = { stdout: 6, stderr: 3 };

/** Throws invalid_argument, in docker's words. */
export function checkSyslogOptions(options: LogOptions): void {
  const address = parseAddress(options['syslog-address'] ?? '');
  if (address.protocol.startsWith('unix') && !fs.existsSync(address.path)) {
    throw invalid(`stat ${address.path}: no such file or directory`);
  }
  parseFacility(options['syslog-facility'] ?? '');
  formatter(options['syslog-format'] ?? '');
}

/** Rejects with what the system said about an address where nobody answers. */
export async function connectSyslog(
  options: LogOptions,
  record: ContainerRecord,
): Promise<LogSink> {
  const address = parseAddress(options['syslog-address'] ?? '');
  const facility = parseFacility(options['syslog-facility'] ?? '');
  const format = formatter(options['syslog-format'] ?? '');
  const tag = logTag(options['tag'] || '{{.ID}}', record);
  const carrier = await connectCarrier(address, options);
  // RFC 5425 counts the bytes of each message on TLS; elsewhere a newline ends it.
  const counted =
    address.protocol === 'tcp+tls' && (options['syslog-format'] ?? '').startsWith('rfc5424');
  return {
    send: (message) => carrier.send(message),
    close: () => carrier.close(),
    format: (line) => {
      const priority = facility * 8 + severities[line.stream];
      const head = Buffer.from(format(priority, tag, line.time));
      const message = Buffer.concat([head, line.text, Buffer.from('\n')]);
      return counted ? Buffer.concat([Buffer.from(`${message.length} `), message]) : message;
    },
  };
}

type Address =
  | { protocol: 'udp' | 'tcp' | 'tcp+tls'; host: string; port: number }
  | { protocol: 'unix' | 'unixgram'; path: string }
  | { protocol: 'local' };

function parseAddress(text: string): Address & { path: string } {
  if (text === '') return { protocol: 'local', path: '' };
  const [, protocol = '', rest = ''] = /^([a-z+]+):\/\/(.*)$/s.exec(text) ?? [];
  if (protocol === 'unix' || protocol === 'unixgram') return { protocol, path: rest };
  if (protocol !== 'udp' && protocol !== 'tcp' && protocol !== 'tcp+tls') {
    throw invalid(
      protocol === ''
        ? `syslog-address should be in form proto://address, got ${text}`
        : `unsupported scheme: '${protocol}'`,
    );
  }
  const [, bracketed, plain = '', port] =
    /^(?:\[([^\]]+)\]|([^:/]*))(?::(\d{1,5}))?\/?$/.exec(rest) ?? [];
  const host = bracketed ?? plain;
  if (host === '' || Number(port ?? 0) > 65535) {
    throw invalid(`syslog-address should be in form proto://address, got ${text}`);
  }
  return { protocol, host, port: port === undefined ? defaultPort : Number(port), path: '' };
}

function parseFacility(text: string): number {
  if (text === '') return facilities.indexOf('daemon');
  const index = /^\d+$/.test(text) ? Number(text) : facilities.indexOf(text);
  if (index < 0 || index > 23) throw invalid('invalid syslog facility');
  return index;
}

type Head = (priority: number, tag: string, time: Date) => string;

/** What precedes the text of a message. */
function formatter(name: string): Head {
  const { pid } = process;
  const structured =
    (timeOf: (time: Date) => string): Head =>
    (priority, tag, time) =>
      `<${priority}>1 ${timeOf(time)} ${os.hostname()} ${tag} ${pid} ${tag} - `;
  switch (name) {
    case '':
      return (priority, tag, time) => `<${priority}>${stamp(time)} ${tag}[${pid}]: `;
    case 'rfc3164':
      return (priority, tag, time) =>
        `<${priority}>${stamp(time)} ${os.hostname()} ${tag}[${pid}]: `;
    case 'rfc5424':
      return structured((time) => time.toISOString().replace(/\.\d+Z$/, 'Z'));
    case 'rfc5424micro':
      return structured((time) => time.toISOString().replace('Z', '000Z'));
    default:
      throw invalid('invalid syslog format');
  }
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** `Nov  1 15:04:05`, local time. */
function stamp(time: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = String(time.getDate()).padStart(2, ' ');
  return `${months[time.getMonth()] ?? ''} ${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

async function connectCarrier(address: Address, options: LogOptions): Promise<MessageCarrier> {
  switch (address.protocol) {
    case 'udp':
      return udpDatagrams(address.host, address.port);
    case 'tcp':
      return reconnectingStream({ host: address.host, port: address.port }, false);
    case 'tcp+tls': {
      const file = (name: string) => {
        const path = options[name];
        return path === undefined ? undefined : fs.readFileSync(path);
      };
      const [ca, cert, key] = ['ca-cert', 'cert', 'key'].map((name) => file(`syslog-tls-${name}`));
      return reconnectingStream(
        {
          host: address.host,
          port: address.port,
          ...(!net.isIP(address.host) && { servername: address.host }),
          ...(ca && { ca }),
          ...(cert && { cert }),
          ...(key && { key }),
          // As docker: whatever its value.
          rejectUnauthorized: options['syslog-tls-skip-verify'] === undefined,
        },
        true,
      );
    }
    case 'unix':
      return reconnectingStream({ path: address.path }, false);
    case 'unixgram':
      return unixSocket(address.path);
    case 'local':
      return localSocket();
  }
}

/** The first that is there. */
async function localSocket(): Promise<MessageCarrier> {
  const path = localSockets.find((candidate) => fs.existsSync(candidate));
  if (path === undefined) throw new StackError('unavailable', 'unix syslog delivery error');
  return unixSocket(path);
}

/** Of either kind: datagrams, unless the socket says that it is a stream. */
async function unixSocket(path: string): Promise<MessageCarrier> {
  const datagrams = unixDatagrams(path);
  try {
    await datagrams.send(Buffer.alloc(0));
    return datagrams;
  } catch (error) {
    await datagrams.close();
    if (errorCode(error) !== 'EPROTOTYPE') throw error;
    return reconnectingStream({ path }, false);
  }
}

function invalid(message: string): StackError {
  return new StackError('invalid_argument', message);
}
