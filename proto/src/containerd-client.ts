/** containerd's services, from a real containerd or from containerd-lite. */
import { ContainersService } from './generated/containerd.services.containers.v1.ts';
import { ContentService } from './generated/containerd.services.content.v1.ts';
import { DiffService } from './generated/containerd.services.diff.v1.ts';
import { EventsService } from './generated/containerd.services.events.v1.ts';
import { ImagesService } from './generated/containerd.services.images.v1.ts';
import { IntrospectionService } from './generated/containerd.services.introspection.v1.ts';
import { LeasesService } from './generated/containerd.services.leases.v1.ts';
import { NamespacesService } from './generated/containerd.services.namespaces.v1.ts';
import { SnapshotsService } from './generated/containerd.services.snapshots.v1.ts';
import { StreamingService } from './generated/containerd.services.streaming.v1.ts';
import { TasksService } from './generated/containerd.services.tasks.v1.ts';
import { TransferService } from './generated/containerd.services.transfer.v1.ts';
import { VersionService } from './generated/containerd.services.version.v1.ts';
import { HealthService } from './generated/grpc.health.v1.ts';
import { GrpcChannel } from './client.ts';
import type { Client } from './service.ts';

/** One connection to a containerd; it connects at the first call and again whenever the daemon comes back. */
export class ContainerdClient {
  readonly containers: Client<typeof ContainersService>;
  readonly content: Client<typeof ContentService>;
  readonly diff: Client<typeof DiffService>;
  readonly events: Client<typeof EventsService>;
  readonly health: Client<typeof HealthService>;
  readonly images: Client<typeof ImagesService>;
  readonly introspection: Client<typeof IntrospectionService>;
  readonly leases: Client<typeof LeasesService>;
  readonly namespaces: Client<typeof NamespacesService>;
  readonly snapshots: Client<typeof SnapshotsService>;
  readonly streaming: Client<typeof StreamingService>;
  readonly tasks: Client<typeof TasksService>;
  readonly transfer: Client<typeof TransferService>;
  readonly version: Client<typeof VersionService>;
  private readonly channel: GrpcChannel;

  /** `address` is the path of a socket, or `unix://` and a path. */
  constructor(address: string, defaults: { namespace: string }) {
    this.channel = new GrpcChannel(address, defaults);
    this.containers = this.channel.clientOf(ContainersService);
    this.content = this.channel.clientOf(ContentService);
    this.diff = this.channel.clientOf(DiffService);
    this.events = this.channel.clientOf(EventsService);
    this.health = this.channel.clientOf(HealthService);
    this.images = this.channel.clientOf(ImagesService);
    this.introspection = this.channel.clientOf(IntrospectionService);
    this.leases = this.channel.clientOf(LeasesService);
    this.namespaces = this.channel.clientOf(NamespacesService);
    this.snapshots = this.channel.clientOf(SnapshotsService);
    this.streaming = this.channel.clientOf(StreamingService);
    this.tasks = this.channel.clientOf(TasksService);
    this.transfer = this.channel.clientOf(TransferService);
    this.version = this.channel.clientOf(VersionService);
  }

  close(): void {
    this.channel.close();
  }
}
