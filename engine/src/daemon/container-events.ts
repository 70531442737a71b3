/** Events of containers, with the attributes docker gives them. */
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** Publishes an event of `container`: its labels, image and name go along. */
export function publishContainerEvent(
  { events }: Pick<Engine, 'events'>,
  container: Container,
  action: string,
  attributes: Readonly<Record<string, string>> = {},
): void {
  const { id, name, config } = container.record;
  events.publish('container', action, id, {
    ...config.Labels,
    image: config.Image,
    name,
    ...attributes,
  });
}
