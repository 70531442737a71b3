/** Every method of containerd-lite is called with messages that no client would send: none is a bug, and nothing ends. */
import fs from 'node:fs';
import grpc from '@grpc/grpc-js';
import { expect } from 'chai';
import { ContainersService } from '#proto/generated/containerd.services.containers.v1';
import { ContentService } from '#proto/generated/containerd.services.content.v1';
import { DiffService } from '#proto/generated/containerd.services.diff.v1';
import { EventsService } from '#proto/generated/containerd.services.events.v1';
import { ImagesService } from '#proto/generated/containerd.services.images.v1';
import { IntrospectionService } from '#proto/generated/containerd.services.introspection.v1';
import { LeasesService } from '#proto/generated/containerd.services.leases.v1';
import { NamespacesService } from '#proto/generated/containerd.services.namespaces.v1';
import { SnapshotsService } from '#proto/generated/containerd.services.snapshots.v1';
import { StreamingService } from '#proto/generated/containerd.services.streaming.v1';
import { TasksService } from '#proto/generated/containerd.services.tasks.v1';
import { TransferService } from '#proto/generated/containerd.services.transfer.v1';
import type { AnyMethod } from '#proto/service';
import { Writer } from '#proto/wire';
import { needPeers, needRoot } from '../harness/peers.ts';
import { inParallel } from '../stress/load.ts';
import { ContainerdLite } from './containerd-lite.ts';

const services = [
  ContainersService,
  ContentService,
  DiffService,
  EventsService,
  ImagesService,
  IntrospectionService,
  LeasesService,
  NamespacesService,
  SnapshotsService,
  StreamingService,
  TasksService,
  TransferService,
];
const messagesPerMethod = 12;
/** Calls that go on for ever are given up. */
const deadlineMs = 400;
const texts = [
  ...['', 'a', 'default', 'overlayfs', '../../x', 'a/b', '\u0000', 'x'.repeat(5000), 'labels.x'],
  ...[`sha256:${'a'.repeat(64)}`, 'sha256:short', 'containerd.types.transfer.ImageStore', '/a/b'],
];

describe('containerd-lite with generated messages', function () {
  this.timeout(60_000);
  const containerd = new ContainerdLite();
  let client: grpc.Client;

  before(async function () {
    needRoot(this);
    needPeers(this, 'ctr');
    await containerd.start();
    const credentials = grpc.credentials.createInsecure();
    client = new grpc.Client(`unix:${containerd.address}`, credentials);
  });
  after(async () => {
    client.close();
    await containerd.remove();
  });

  it('answers every method, by nothing worse than a refusal', async () => {
    const { pid } = containerd;
    const random = randomNumbers(20_261_121);
    const calls = services.flatMap(({ serviceName, methods }) =>
      Object.values<AnyMethod>(methods).flatMap((method) =>
        Array.from({ length: messagesPerMethod }, () => ({
          path: `/${serviceName}/${method.name}`,
          message: randomMessage(random, 2),
        })),
      ),
    );
    const bugs: string[] = [];
    await inParallel(8, calls.length, async (index) => {
      const call = calls[index];
      if (!call) return;
      const { code, details } = await statusOf(client, containerd.namespace, call);
      // What is no such message gRPC itself refuses, in these words, as Go's does.
      if (code !== grpc.status.INTERNAL || details === 'Error deserializing request') return;
      bugs.push(`${call.path} ${details}`);
    });
    expect(bugs).to.deep.equal([]);
    const log = fs.readFileSync(containerd.logFile, 'utf8').split('\n');
    expect(log.filter((line) => line.includes('a call failed'))).to.deep.equal([]);
    expect(containerd.pid).to.equal(pid);
    expect((await containerd.ctr('version')).status).to.equal(0);
  });
});

/** Sends one message and waits for the end of the call. */
function statusOf(
  client: grpc.Client,
  namespace: string,
  { path, message }: { path: string; message: Buffer },
): Promise<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set('containerd-namespace', namespace);
  const identity = (bytes: Buffer) => bytes;
  const options = { deadline: Date.now() + deadlineMs };
  // On the wire a unary call is a stream of one message.
  const call = client.makeBidiStreamRequest(path, identity, identity, metadata, options);
  return new Promise((resolve) => {
    call.on('status', resolve);
    call.on('error', () => undefined); // the status says the same
    call.on('data', () => undefined);
    call.write(message);
    call.end();
  });
}

/** Fields of any type under any number, some of them messages themselves. */
function randomMessage(random: () => number, depth: number): Buffer {
  const writer = new Writer();
  const below = (limit: number) => Math.floor(random() * limit);
  for (let left = below(7); left > 0; left--) {
    const kind = below(depth > 0 ? 4 : 3);
    writer.tag(1 + below(9), kind === 0 ? 0 : 2);
    if (kind === 0) writer.int64(below(2) === 0 ? below(5) : -below(2 ** 40));
    else if (kind === 1) writer.string(texts[below(texts.length)] ?? '');
    else if (kind === 2)
      writer.bytes(Buffer.from(Array.from({ length: below(20) }, () => below(256))));
    else writer.bytes(randomMessage(random, depth - 1));
  }
  return writer.finish();
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function randomNumbers(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
