/** A container of the list as `ps` and `system df` show it. */
import { humanDuration } from '#spec/human-duration';
import { familiarName, withoutDigest } from './image-name.ts';
import { showPorts, type PortSummary } from './ports.ts';
import { goTime } from './timestamp.ts';
import { ellipsis, shortId, showLabels } from './truncate.ts';
import { humanSize } from './units.ts';

export interface ContainerSummary {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  Created: number;
  State: string;
  Status: string;
  Ports?: PortSummary[] | null;
  Labels?: Record<string, string> | null;
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts?: { Name?: string; Source?: string; Driver?: string }[] | null;
  NetworkSettings?: { Networks?: Record<string, unknown> | null } | null;
}

export type ContainerRow = ReturnType<typeof containerRow>;

/** `truncate` as without `--no-trunc`. */
export function containerRow(container: ContainerSummary, { truncate }: { truncate: boolean }) {
  const { Labels: labels, Mounts: mounts, SizeRw: own = 0, SizeRootFs: all = 0 } = container;
  const command = truncate ? ellipsis(container.Command, 20) : container.Command;
  const mountNames = (mounts ?? []).map(({ Name, Source }) => {
    const name = Name === undefined || Name === '' ? (Source ?? '') : Name;
    return truncate ? ellipsis(name, 15) : name;
  });
  return {
    ID: truncate ? shortId(container.Id) : container.Id,
    Image: showImage(container, truncate),
    Command: JSON.stringify(command),
    RunningFor: `${humanDuration(Date.now() - container.Created * 1000)} ago`,
    Status: container.Status,
    Ports: showPorts(container.Ports ?? []),
    Names: showNames(container.Names, truncate),
    State: container.State,
    Labels: showLabels(labels),
    Label: (name: string) => labels?.[name] ?? '',
    get CreatedAt() {
      return goTime(container.Created);
    },
    Size: all > 0 ? `${humanSize(own)} (virtual ${humanSize(all)})` : humanSize(own),
    Mounts: mountNames.join(','),
    LocalVolumes: String((mounts ?? []).filter(({ Driver }) => Driver === 'local').length),
    // Told by daemons that keep images of several platforms.
    Platform: null,
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
  };
}

/** Headings of the fields that no table has by itself. */
export const containerHeadings = {
  State: 'STATE',
  Labels: 'LABELS',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Mounts: 'MOUNTS',
  LocalVolumes: 'LOCAL VOLUMES',
  Networks: 'NETWORKS',
} as const;

/** Names that a link gave (`/other/alias`) are left out where there is one of its own. */
function showNames(names: readonly string[], truncate: boolean): string {
  const plain = names.map((name) => name.replace(/^\//, ''));
  const own = truncate ? plain.find((name) => !name.includes('/')) : undefined;
  return own ?? plain.join(',');
}

function showImage({ Image: image, ImageID: id }: ContainerSummary, truncate: boolean): string {
  if (image === '') return '<no image>';
  if (!truncate) return image;
  if (shortId(id) === shortId(image)) return shortId(image);
  return familiarName(withoutDigest(image));
}
