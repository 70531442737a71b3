/** Names of what a daemon has, for completion. */
import type { Surroundings } from '../global-flags.ts';

export type NamedThing = 'containers' | 'images' | 'networks' | 'volumes' | 'contexts';

/** Which containers a command is for. */
export type ContainerState = 'running' | 'stopped' | 'any';

/** In the daemon's order. Throws what the daemon says. */
export async function namesFor(
  thing: NamedThing,
  surroundings: Surroundings,
  { state }: { state: ContainerState },
): Promise<string[]> {
  if (thing === 'contexts') return surroundings.contexts.list().map(({ Name }) => Name);
  const { client } = surroundings;
  switch (thing) {
    case 'containers': {
      const query = state === 'running' ? {} : { all: 1 };
      const found = await client.json<{ Names: string[]; State: string }[]>(
        'GET',
        '/containers/json',
        { query },
      );
      const ends = ['created', 'exited'];
      const wanted = found.filter(({ State }) => state !== 'stopped' || ends.includes(State));
      return wanted.flatMap(({ Names }) => Names.map((name) => name.replace(/^\//, '')));
    }
    case 'images': {
      const found = await client.json<{ RepoTags: string[] | null }[]>('GET', '/images/json');
      return found.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => !tag.startsWith('<'));
    }
    case 'networks': {
      const found = await client.json<{ Name: string }[]>('GET', '/networks');
      return found.map(({ Name }) => Name);
    }
    case 'volumes': {
      const { Volumes } = await client.json<{ Volumes: { Name: string }[] | null }>(
        'GET',
        '/volumes',
      );
      return (Volumes ?? []).map(({ Name }) => Name);
    }
  }
}
