/** The parts of a real engine: images from registries, logs in docker's format, the embedded image. */
import { helloImage, helloReference } from '#lib/hello-image/hello-image';
import { version } from '#lib/installation/installation';
import { RegistryClient } from '#lib/registry/registry-client';
import { isStackError } from '#spec/errors';
import { ContainerdImageService } from './images/containerd-image-service.ts';
import { endPullLeases } from './images/lease.ts';
import { endTransfers } from './images/transfer-names.ts';
import { DriverLogs } from './logs/driver-logs.ts';
import type { EngineParts } from './run-engine.ts';

export const engineParts: EngineParts = {
  createRegistry: (settings) => {
    const registry = new RegistryClient({
      userAgent: `engine/${version}`,
      hostsFolders: ['/etc/engine/certs.d', '/etc/docker/certs.d'],
    });
    settings.watch(({ registryMirrors: mirrors, insecureRegistries, transfers }) => {
      registry.configure({ mirrors, insecureRegistries });
      registry.limit(transfers);
    });
    return registry;
  },

  createImages: ({ client, options, registry, store, events }) =>
    new ContainerdImageService({
      client,
      snapshotter: options.storageDriver,
      registry,
      usersOf: (imageId) =>
        store
          .list()
          .filter(({ record }) => record.imageId === imageId)
          .map(({ id, isRunning }) => ({ containerId: id, running: isRunning })),
      onEvent: (...event) => events.publish('image', ...event),
    }),

  createLogs: (paths, { logDriver, logOptions }, logger) =>
    new DriverLogs(paths, { Type: logDriver, Config: { ...logOptions } }, logger),

  /** Nothing is left of interrupted pulls, and `run hello` works on a machine without a network. */
  beforeListening: async ({ client, images, logger }) => {
    await endPullLeases(client);
    await endTransfers(client);
    try {
      await images.get(helloReference);
    } catch (error) {
      if (!isStackError(error, 'not_found')) throw error;
      const { layer, config, manifest } = helloImage(process.arch === 'arm64' ? 'arm64' : 'x64');
      await images.import(helloReference, [layer, config, manifest]);
      logger.info('imported the embedded image', { image: helloReference });
    }
  },
};
