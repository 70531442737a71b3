/** Ports of a container as `ps` shows them: `0.0.0.0:80->80/tcp, 9000-9002/tcp`. */

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** Published ports of equal number, and ports that are not published, in ranges; then what is published elsewhere. */
export function showPorts(ports: readonly PortSummary[]): string {
  const sorted = [...ports].sort(comparePorts);
  const done: string[] = [];
  const open = new Map<string, { address: string; type: string; first: number; last: number }>();
  const elsewhere: string[] = [];
  for (const { IP: address = '', PrivatePort: port, PublicPort, Type: type } of sorted) {
    if (address !== '' && PublicPort !== port) {
      elsewhere.push(`${place(address, String(PublicPort ?? 0))}->${port}/${type}`);
      continue;
    }
    const key = `${address}/${type}`;
    const group = open.get(key);
    if (group && port === group.last + 1) {
      group.last = port;
      continue;
    }
    if (group) done.push(showGroup(group));
    open.set(key, { address, type, first: port, last: port });
  }
  return [...done, ...[...open.values()].map(showGroup), ...elsewhere].join(', ');
}

function showGroup(group: { address: string; type: string; first: number; last: number }): string {
  const { address, type, first, last } = group;
  const range = first === last ? String(first) : `${first}-${last}`;
  return `${address === '' ? '' : `${place(address, range)}->`}${range}/${type}`;
}

function place(address: string, port: string): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

function comparePorts(a: PortSummary, b: PortSummary): number {
  const byText = (left = '', right = ''): number => (left < right ? -1 : left > right ? 1 : 0);
  return (
    a.PrivatePort - b.PrivatePort ||
    byText(a.IP, b.IP) ||
    (a.PublicPort ?? 0) - (b.PublicPort ?? 0) ||
    byText(a.Type, b.Type)
  );
}
