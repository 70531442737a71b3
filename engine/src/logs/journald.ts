/** The log driver journald: systemd's native protocol, one datagram per entry. */
import fs from 'node:fs';
import { StackError } from '#spec/errors';
import type { ContainerRecord } from '../daemon/container.ts';
import { logAttributes, logTag } from './log-attributes.ts';
import type { ForwardedLine, LogSink } from './log-sink.ts';
import { unixDatagrams } from './message-carriers.ts';

/** Where systemd-journald listens; another place is for tests. */
export const journalSocket = '/run/systemd/journal/socket';

const priorities = { stdout: '6', stderr: '3' };

/** Rejects with unavailable on a host without journald. */
export async function connectJournal(
  options: Readonly<Record<string, string>>,
  record: ContainerRecord,
  socket = journalSocket,
): Promise<LogSink> {
  if (!fs.existsSync(socket)) {
    throw new StackError('unavailable', 'journald is not enabled on this host');
  }
  const tag = logTag(options['tag'] || '{{.ID}}', record);
  const constant = encodeFields({
    CONTAINER_ID: record.id.slice(0, 12),
    CONTAINER_ID_FULL: record.id,
    CONTAINER_NAME: record.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: record.config.Image,
    SYSLOG_IDENTIFIER: tag,
    ...logAttributes(options, record, fieldName),
  });
  const carrier = unixDatagrams(socket);
  return {
    send: (message) => carrier.send(message),
    close: () => carrier.close(),
    format: ({ stream, text, isPartial, time }: ForwardedLine) =>
      Buffer.concat([
        encodeField('MESSAGE', text),
        encodeFields({
          PRIORITY: priorities[stream],
          SYSLOG_TIMESTAMP: time.toISOString(),
          ...(isPartial && { CONTAINER_PARTIAL_MESSAGE: 'true' }),
        }),
        constant,
      ]),
  };
}

/** Field names are capitals, digits and underscores, and do not begin with an underscore. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '');
}

function encodeFields(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(fields).map(([name, value]) => encodeField(name, Buffer.from(value))),
  );
}

/** `NAME=value`, or with its length (64 bits, little-endian) when there is a newline in it. */
function encodeField(name: string, value: Buffer): Buffer {
  if (!value.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), value, newline]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, newline]);
}

const newline = Buffer.from('\n');
