/** What SIGHUP does: the config file again, all of it or nothing. */
import { hostname } from 'node:os';
import type { ReloadableOptions } from '../config/engine-options.ts';
import type { LiveSettings } from '../config/live-settings.ts';
import type { Configuration } from '../config/load-options.ts';
import { defaultShmSizeBytes } from '../container-spec/mounts.ts';
import type { Engine } from './engine.ts';
import type { HostFacts } from './host-facts.ts';

/** Applies what the file says now and publishes `daemon reload`. A file that cannot be used changes nothing. */
export function reloadConfiguration(
  { runtimes, events, host, logger }: Engine,
  configuration: Configuration,
  settings: LiveSettings,
): void {
  logger.info('got signal to reload configuration', { 'config-file': configuration.file });
  try {
    const { options, ignored, apply } = configuration.reread();
    runtimes.configure({ added: options.runtimes, defaultName: options.defaultRuntime });
    apply();
    settings.replace(options);
    if (ignored.length > 0) {
      logger.warn('these settings of the config file wait for the next start', { keys: ignored });
    }
    const attributes = reloadAttributes(options, runtimes.defaultName, host);
    events.publish('daemon', 'reload', host.id, { ...attributes, name: hostname() });
    logger.info('reloaded configuration', { config: attributes });
  } catch (error) {
    logger.error('error reloading configuration', { error });
  }
}

/** docker's attributes of the event: what is in force after it, as Go prints it. */
export function reloadAttributes(
  options: ReloadableOptions,
  defaultRuntime: string,
  { cgroupVersion }: Pick<HostFacts, 'cgroupVersion'>,
): Record<string, string> {
  const { containers } = options;
  return {
    debug: String(options.debug),
    'default-cgroupns-mode':
      containers.cgroupnsMode ?? (cgroupVersion === '2' ? 'private' : 'host'),
    'default-ipc-mode': containers.ipcMode,
    'default-runtime': defaultRuntime,
    'default-shm-size': String(containers.shmSizeBytes ?? defaultShmSizeBytes),
    features: goMap(options.features),
    'insecure-registries': JSON.stringify(options.insecureRegistries),
    labels: JSON.stringify(options.labels),
    'live-restore': 'true',
    'registry-mirrors': JSON.stringify(options.registryMirrors),
    runtimes: Object.entries(options.runtimes)
      .map(([name, path]) => `${name}:${path}`)
      .join(' '),
    'shutdown-timeout': String(options.shutdownTimeoutSeconds),
  };
}

/** As Go's fmt prints a map. */
function goMap(map: Readonly<Record<string, boolean>>): string {
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, value]) => `${key}:${value}`).join(' ')}]`;
}
