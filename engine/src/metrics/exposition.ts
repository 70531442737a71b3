/** Everything that a scrape of engined shows. */
import fs from 'node:fs';
import { version } from '#lib/installation/installation';
import type { Engine } from '../daemon/engine.ts';
import { Reading, type Labels, type Metric } from './metric.ts';

/** Text for one scrape, as it is now. `eventListeners` counts who follows events. */
export function exposeMetrics(engine: Engine, eventListeners: () => number): string {
  const { metrics } = engine;
  const all: Metric[] = [
    metrics.containerActions,
    states(engine),
    ...facts(engine),
    metrics.events,
    gauge(
      'engine_daemon_events_subscribers_total',
      'The number of current subscribers to events',
      eventListeners,
    ),
    metrics.healthChecks,
    metrics.failedHealthChecks,
    metrics.hostFunctions,
    metrics.imageActions,
    metrics.networkActions,
    ...processMetrics(),
  ];
  return all.map((metric) => metric.expose()).join('');
}

function states({ containers }: Engine): Metric {
  const state = (status: string): string =>
    status === 'running' || status === 'paused' ? status : 'stopped';
  return new Reading(
    'engine_daemon_container_states_containers',
    'The count of containers in various states',
    () =>
      ['paused', 'running', 'stopped'].map((name) => [
        { state: name },
        containers.list().filter(({ state: { status } }) => state(status) === name).length,
      ]),
  );
}

function facts({ host, settings }: Engine): Metric[] {
  const labels: Labels = {
    architecture: host.machine,
    commit: '',
    daemon_id: host.id,
    graphdriver: settings.snapshotter,
    kernel: host.kernelVersion,
    os: host.operatingSystem,
    os_type: 'linux',
    os_version: host.osVersion,
    version,
  };
  return [
    new Reading(
      'engine_daemon_engine_info',
      'The information related to the engine and the OS it is running on',
      () => [[labels, 1]],
    ),
    gauge(
      'engine_daemon_engine_cpus_cpus',
      'The number of cpus that the host system of the engine has',
      () => host.cpus,
    ),
    gauge(
      'engine_daemon_engine_memory_bytes',
      'The number of bytes of memory that the host system of the engine has',
      () => host.memoryBytes,
    ),
  ];
}

/** The names that Prometheus' client libraries have for what every process is. */
function processMetrics(): Metric[] {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const descriptors = fs.readdirSync('/proc/self/fd').length;
  return [
    new Reading(
      'process_cpu_seconds_total',
      'Total user and system CPU time spent in seconds.',
      () => [[{}, (user + system) / 1e6]],
      'counter',
    ),
    gauge('process_open_fds', 'Number of open file descriptors.', () => descriptors),
    gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', () => rss),
    gauge(
      'process_start_time_seconds',
      'Start time of the process since unix epoch in seconds.',
      () => performance.timeOrigin / 1000,
    ),
    gauge(
      'nodejs_heap_size_used_bytes',
      'Process heap size used from Node.js in bytes.',
      () => heapUsed,
    ),
    gauge(
      'nodejs_heap_size_total_bytes',
      'Process heap size from Node.js in bytes.',
      () => heapTotal,
    ),
  ];
}

function gauge(name: string, help: string, read: () => number): Metric {
  return new Reading(name, help, () => [[{}, read()]]);
}
