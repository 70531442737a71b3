/** All routes of the API over one engine, with what they take measured. */
import { containersBackend } from '../daemon/containers-backend.ts';
import type { Engine } from '../daemon/engine.ts';
import { execBackend } from '../daemon/exec-backend.ts';
import { networkBackend } from '../daemon/network-backend.ts';
import type { Route } from '../http/router.ts';
import { measured } from '../metrics/measured.ts';
import type { RegistryService } from '../registry/registry-service.ts';
import { containerRoutes } from './containers/routes.ts';
import { debugRoutes } from './debug/routes.ts';
import { execRoutes } from './exec/routes.ts';
import { imageRoutes } from './images/routes.ts';
import { networkRoutes } from './networks/routes.ts';
import { checkpointRoutes, notBuiltRoutes } from './not-built.ts';
import { registryRoutes } from './registry/routes.ts';
import type { SystemBackend } from './system/backend.ts';
import { systemRoutes } from './system/routes.ts';
import { volumeRoutes } from './volumes/routes.ts';

/** What the routes need besides the engine. */
export interface FurtherBackends {
  system: SystemBackend;
  registry: RegistryService;
}

/** Order decides: names of images and containers are greedy. */
export function apiRoutes(engine: Engine, { system, registry }: FurtherBackends): Route[] {
  const { metrics } = engine;
  const containers = measured(
    containersBackend(engine),
    { create: 'create', start: 'start', remove: 'delete', commit: 'commit', changes: 'changes' },
    metrics.containerActions,
  );
  const images = measured(
    engine.images,
    { pull: 'pull', push: 'push', remove: 'delete', history: 'history' },
    metrics.imageActions,
  );
  const hostFunctions = { info: 'system_info', version: 'system_version' };
  return [
    ...systemRoutes(measured(system, hostFunctions, metrics.hostFunctions)),
    ...debugRoutes(),
    ...checkpointRoutes(),
    ...execRoutes(execBackend(engine)),
    ...containerRoutes(containers),
    ...registryRoutes(registry),
    ...imageRoutes(images),
    ...networkRoutes(networkBackend(engine)),
    ...volumeRoutes(engine.volumes, engine.events),
    ...notBuiltRoutes(),
  ];
}
