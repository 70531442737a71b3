/** The environment that a runtime gets from the shim. */

/**
 * The shim's own without NOTIFY_SOCKET: systemd meant the daemon that started the shim, and `start` would wait until
 * the container says that it is ready. (containerd's shim leaves it out as well.)
 */
export function runtimeEnvironment(): NodeJS.ProcessEnv {
  const { NOTIFY_SOCKET: _ofTheDaemon, ...rest } = process.env;
  return rest;
}
