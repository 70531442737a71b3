/** `engine port` */
import { StackError } from '#spec/errors';
import { defineCommand } from '../command-line/command.ts';

type Places = Record<string, { HostIp: string; HostPort: string }[] | null>;

export const port = defineCommand({
  synopsis: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  arguments: { min: 1, max: 2 },
  flags: {},
  async run({ client }, _values, [container = '', wanted]) {
    const { NetworkSettings: settings } = await client.json<{ NetworkSettings: { Ports: Places } }>(
      'GET',
      `/containers/${container}/json`,
    );
    const chosen = wanted === undefined || wanted.includes('/') ? wanted : `${wanted}/tcp`;
    const lines = Object.entries(settings.Ports)
      .filter(([inside]) => chosen === undefined || inside === chosen)
      .flatMap(([inside, places]) =>
        (places ?? []).map(({ HostIp, HostPort }) => {
          const place = `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`;
          return chosen === undefined ? `${inside} -> ${place}` : place;
        }),
      );
    if (chosen !== undefined && lines.length === 0) {
      throw new StackError(
        'not_found',
        `Error: No public port '${chosen}' published for ${container}`,
      );
    }
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    return 0;
  },
});
