/** What engined measures of itself, under the names that dockerd has for it. */
import { Counter, Timer } from './metric.ts';

export class EngineMetrics {
  readonly containerActions = new Timer(
    'engine_daemon_container_actions_seconds',
    'The number of seconds it takes to process each container action',
    'action',
    ['changes', 'commit', 'create', 'delete', 'start'],
  );
  readonly imageActions = new Timer(
    'engine_daemon_image_actions_seconds',
    'The number of seconds it takes to process each image action',
    'action',
  );
  readonly networkActions = new Timer(
    'engine_daemon_network_actions_seconds',
    'The number of seconds it takes to process each network action',
    'action',
  );
  readonly hostFunctions = new Timer(
    'engine_daemon_host_info_functions_seconds',
    'The number of seconds it takes to call functions gathering info about the host',
    'function',
  );
  readonly events = new Counter('engine_daemon_events_total', 'The number of events logged');
  readonly healthChecks = new Counter(
    'engine_daemon_health_checks_total',
    'The total number of health checks',
  );
  readonly failedHealthChecks = new Counter(
    'engine_daemon_health_checks_failed_total',
    'The total number of failed health checks',
  );
}
