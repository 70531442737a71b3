/** The same object, with the time that some of its methods take noted. */
import type { Timer } from './metric.ts';

/**
 * `actions` names the methods that are measured and what each is called. A call that fails is not counted, as with
 * dockerd.
 */
export function measured<T extends object>(
  target: T,
  actions: Readonly<Partial<Record<keyof T, string>>>,
  timer: Timer,
): T {
  return new Proxy(target, {
    get(object, key): unknown {
      const value: unknown = Reflect.get(object, key, object);
      if (typeof value !== 'function') return value;
      const method = value.bind(object) as (...args: unknown[]) => unknown; // callable, of any signature
      const action = actions[key as keyof T];
      if (action === undefined) return method;
      return async (...args: unknown[]) => {
        const startedAt = performance.now();
        const result = await method(...args);
        timer.observe(action, (performance.now() - startedAt) / 1000);
        return result;
      };
    },
  });
}
