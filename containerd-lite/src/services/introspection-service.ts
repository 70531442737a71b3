/** containerd.services.introspection.v1.Introspection, containerd.services.version.v1.Version, grpc.health.v1.Health */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { StackError } from '#spec/errors';
import type {
  Plugin,
  IntrospectionService,
} from '#proto/generated/containerd.services.introspection.v1';
import type { VersionService } from '#proto/generated/containerd.services.version.v1';
import type { HealthService } from '#proto/generated/grpc.health.v1';
import type { Handlers } from '#proto/service';
import { version } from '#lib/installation/installation';
import { writeFileAtomicSync } from '#lib/atomic-file/atomic-file';
import { fieldsOf, parseFilters } from '../filters/filter.ts';

/** What the daemon is made of, in the names that clients look for. */
export function introspectionService(
  root: string,
  snapshotters: readonly string[],
): Handlers<typeof IntrospectionService> {
  const uuid = readUuid(root);
  const plugins = describePlugins(root, snapshotters);
  return {
    async plugins({ filters }) {
      const matches = parseFilters(filters);
      return { plugins: plugins.filter((plugin) => matches(pluginFields(plugin))) };
    },

    async server() {
      const pidns = fs.statSync('/proc/self/ns/pid').ino;
      return { uuid, pid: process.pid, pidns, deprecations: [] };
    },

    async pluginInfo({ type, id }) {
      const plugin = plugins.find((candidate) => candidate.type === type && candidate.id === id);
      if (!plugin) throw new StackError('not_found', `plugin "${type}.${id}": not found`);
      return { plugin };
    },
  };
}

export function versionService(): Handlers<typeof VersionService> {
  return { version: async () => ({ version, revision: '' }) };
}

export function healthService(): Partial<Handlers<typeof HealthService>> {
  return { check: async () => ({ status: 'SERVING' }) };
}

function describePlugins(root: string, snapshotters: readonly string[]): Plugin[] {
  const platform = {
    os: 'linux',
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    variant: process.arch === 'arm64' ? 'v8' : '',
    osVersion: '',
    osFeatures: [],
  };
  const plugin = (type: string, id: string, more: Partial<Plugin> = {}): Plugin => ({
    type,
    id,
    requires: [],
    platforms: [],
    exports: {},
    capabilities: [],
    ...more,
  });
  const grpc = [
    'containers',
    'content',
    'diff',
    'events',
    'healthcheck',
    'images',
    'introspection',
    'leases',
    'namespaces',
    'snapshots',
    'streaming',
    'tasks',
    'transfer',
    'version',
  ];
  return [
    plugin('io.containerd.content.v1', 'content', {
      exports: { root: path.join(root, 'io.containerd.content.v1.content') },
    }),
    plugin('io.containerd.metadata.v1', 'lmdb'),
    plugin('io.containerd.gc.v1', 'scheduler'),
    ...snapshotters.map((id) =>
      plugin('io.containerd.snapshotter.v1', id, {
        platforms: [platform],
        exports: { root: path.join(root, `io.containerd.snapshotter.v1.${id}`) },
      }),
    ),
    plugin('io.containerd.differ.v1', 'walking', { platforms: [platform] }),
    plugin('io.containerd.streaming.v1', 'manager'),
    plugin('io.containerd.transfer.v1', 'local', { platforms: [platform] }),
    plugin('io.containerd.runtime.v2', 'task', { platforms: [platform] }),
    ...grpc.map((id) => plugin('io.containerd.grpc.v1', id)),
  ];
}

function pluginFields({ type, id, capabilities }: Plugin) {
  return fieldsOf({ type, id, capabilities: capabilities.join(',') });
}

/** Names this installation; stays the same as long as the root folder does. */
function readUuid(root: string): string {
  const folder = path.join(root, 'io.containerd.grpc.v1.introspection');
  const file = path.join(folder, 'uuid');
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    const uuid = randomUUID(); // the first start
    fs.mkdirSync(folder, { recursive: true, mode: 0o711 });
    writeFileAtomicSync(file, uuid);
    return uuid;
  }
}
