/** `engine system df` */
import { humanDuration } from '#spec/human-duration';
import { defineCommand } from '../command-line/command.ts';
import { boolean, format } from '../command-line/flags.ts';
import { containerRow, type ContainerSummary } from '../format/container-row.ts';
import { compileTemplate, unescapeFormat } from '../format/go-template.ts';
import { imageRow, imageRows, type ImageSummary } from '../format/image-row.ts';
import { printRows } from '../format/listing.ts';
import { renderTable } from '../format/table.ts';
import { humanSize } from '../format/units.ts';

interface BuildCache {
  ID: string;
  Type: string;
  Size: number;
  CreatedAt: string;
  LastUsedAt: string | null;
  UsageCount: number;
  InUse: boolean;
  Shared: boolean;
}

interface Volume {
  Name: string;
  UsageData: { Size: number; RefCount: number };
}

interface DiskUsage {
  LayersSize: number;
  Images: ImageSummary[] | null;
  Containers: ContainerSummary[] | null;
  Volumes: Volume[] | null;
  BuildCache: BuildCache[] | null;
}

export const systemDf = defineCommand({
  synopsis: '[OPTIONS]',
  arguments: { min: 0, max: 0 },
  flags: {
    format: format(),
    verbose: boolean('Show detailed information on space usage', 'v'),
  },
  async run({ client }, { format, verbose }) {
    const usage = await client.json<DiskUsage>('GET', '/system/df');
    if (verbose) {
      showVerbose(usage, format);
      return 0;
    }
    printRows(
      [imageTotals(usage), containerTotals(usage), volumeTotals(usage), buildTotals(usage)],
      {
        format,
        quiet: undefined,
        columns: [
          ['TYPE', 'Type'],
          ['TOTAL', 'TotalCount'],
          ['ACTIVE', 'Active'],
          ['SIZE', 'Size'],
          ['RECLAIMABLE', 'Reclaimable'],
        ],
      },
    );
    return 0;
  },
});

interface Counts {
  type: string;
  total: number;
  active: number;
  size: number;
  reclaimable: number;
  /** The build cache is shown without a share. */
  hasShare?: boolean;
}

function totals({ type, total, active, size, reclaimable, hasShare = true }: Counts) {
  const share = size > 0 && hasShare ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : '';
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(size, 4),
    Reclaimable: `${humanSize(reclaimable, 4)}${share}`,
  };
}

type Totals = ReturnType<typeof totals>;

function imageTotals({ Images, LayersSize }: DiskUsage): Totals {
  const images = Images ?? [];
  // What the images in use have for themselves; layers that are shared count as reclaimable, as docker counts them.
  const used = images
    .filter(
      ({ Containers = 0, Size, SharedSize = -1 }) =>
        Containers !== 0 && Size !== -1 && SharedSize !== -1,
    )
    .reduce((sum, { Size, SharedSize = 0 }) => sum + Size - SharedSize, 0);
  return totals({
    type: 'Images',
    total: images.length,
    active: images.filter(({ Containers = 0 }) => Containers > 0).length,
    size: LayersSize,
    reclaimable: LayersSize - used,
  });
}

function containerTotals({ Containers }: DiskUsage): Totals {
  const containers = Containers ?? [];
  const isActive = ({ State }: ContainerSummary): boolean =>
    ['running', 'paused', 'restarting'].includes(State);
  const sum = (some: readonly ContainerSummary[]): number =>
    some.reduce((total, { SizeRw = 0 }) => total + SizeRw, 0);
  return totals({
    type: 'Containers',
    total: containers.length,
    active: containers.filter(isActive).length,
    size: sum(containers),
    reclaimable: sum(containers.filter((container) => !isActive(container))),
  });
}

function volumeTotals({ Volumes }: DiskUsage): Totals {
  const volumes = Volumes ?? [];
  const known = volumes.filter(({ UsageData }) => UsageData.Size !== -1);
  const sum = (some: readonly Volume[]): number =>
    some.reduce((total, { UsageData }) => total + UsageData.Size, 0);
  return totals({
    type: 'Local Volumes',
    total: volumes.length,
    active: volumes.filter(({ UsageData }) => UsageData.RefCount > 0).length,
    size: sum(known),
    reclaimable: sum(known.filter(({ UsageData }) => UsageData.RefCount === 0)),
  });
}

function buildTotals({ BuildCache }: DiskUsage): Totals {
  const records = BuildCache ?? [];
  const size = buildCacheSize(records);
  const used = records.filter(({ InUse, Shared }) => InUse && !Shared);
  return totals({
    type: 'Build Cache',
    total: records.length,
    active: records.filter(({ InUse }) => InUse).length,
    size,
    reclaimable: size - used.reduce((sum, { Size }) => sum + Size, 0),
    hasShare: false,
  });
}

function buildCacheSize(records: readonly BuildCache[]): number {
  return records.filter(({ Shared }) => !Shared).reduce((sum, { Size }) => sum + Size, 0);
}

function showVerbose(usage: DiskUsage, format: string | undefined): void {
  const truncate = format === undefined || format.startsWith('table');
  const rows = verboseRows(usage, truncate);
  if (format === 'json') {
    process.stdout.write(`${JSON.stringify(rows)}\n`);
    return;
  }
  if (format !== undefined && format !== 'table') {
    process.stdout.write(compileTemplate(unescapeFormat(format))(rows));
    return;
  }
  const table = (header: readonly string[], cells: readonly (readonly string[])[]): string =>
    renderTable(header, cells);
  const images = table(
    [
      'REPOSITORY',
      'TAG',
      'IMAGE ID',
      'CREATED',
      'SIZE',
      'SHARED SIZE',
      'UNIQUE SIZE',
      'CONTAINERS',
    ],
    rows.Images.map((row) => [
      ...[row.Repository, row.Tag, row.ID, row.CreatedSince, row.Size],
      ...[row.SharedSize, row.UniqueSize, row.Containers],
    ]),
  );
  const containers = table(
    ['CONTAINER ID', 'IMAGE', 'COMMAND', 'LOCAL VOLUMES', 'SIZE', 'CREATED', 'STATUS', 'NAMES'],
    rows.Containers.map((row) => [
      ...[row.ID, row.Image, row.Command, row.LocalVolumes],
      ...[row.Size, row.RunningFor, row.Status, row.Names],
    ]),
  );
  const volumes = table(
    ['VOLUME NAME', 'LINKS', 'SIZE'],
    rows.Volumes.map((row) => [row.Name, row.Links, row.Size]),
  );
  const caches = table(
    ['CACHE ID', 'CACHE TYPE', 'SIZE', 'CREATED', 'LAST USED', 'USAGE', 'SHARED'],
    rows.BuildCache.map((row) => [
      ...[row.ID, row.CacheType, row.Size, row.CreatedSince],
      ...[row.LastUsedSince, row.UsageCount, row.Shared],
    ]),
  );
  process.stdout.write(
    `Images space usage:\n\n${images}\nContainers space usage:\n\n${containers}\nLocal Volumes space usage:\n\n${volumes}\nBuild cache usage: ${humanSize(buildCacheSize(usage.BuildCache ?? []), 4)}\n\n${caches}`,
  );
}

function verboseRows(usage: DiskUsage, truncate: boolean) {
  const images = (usage.Images ?? []).map((image) => {
    const [first] = imageRows(image, { truncate, digests: false });
    return imageRow(image, first?.Repository ?? '<none>', first?.Tag ?? '<none>', '', { truncate });
  });
  const containers = (usage.Containers ?? []).map((container) =>
    // The size of the image below it is not the container's.
    containerRow({ ...container, SizeRootFs: 0 }, { truncate }),
  );
  const volumes = (usage.Volumes ?? []).map(({ Name, UsageData: { Size, RefCount } }) => ({
    Name,
    Links: RefCount === -1 ? 'N/A' : String(RefCount),
    Size: Size === -1 ? 'N/A' : humanSize(Size, 4),
  }));
  const since = (time: string | null): string =>
    time === null ? '' : `${humanDuration(Date.now() - Date.parse(time))} ago`;
  const caches = (usage.BuildCache ?? []).map((record) => ({
    ID: truncate ? record.ID.slice(0, 12) : record.ID,
    CacheType: record.Type,
    Size: humanSize(record.Size),
    CreatedSince: since(record.CreatedAt),
    LastUsedSince: since(record.LastUsedAt),
    UsageCount: String(record.UsageCount),
    Shared: String(record.Shared),
  }));
  return { Images: images, Containers: containers, Volumes: volumes, BuildCache: caches };
}
