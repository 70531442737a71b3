/** Pressure stall information of a cgroup of v2: how much of the time its processes waited for a resource. */
import path from 'node:path';
import { readIfPresent } from './cgroup-file.ts';
import { unifiedDirectory, type Cgroup } from './layout.ts';

/** Percent of the last 10, 60 and 300 seconds; microseconds in total. */
export interface PressureShare {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly total: number;
}

export interface Pressure {
  /** While at least one process waited. */
  readonly some: PressureShare;
  /** While all did. */
  readonly full: PressureShare;
}

/** Undefined on cgroup v1 and where the kernel does not keep it. */
export function pressure(cgroup: Cgroup, resource: 'cpu' | 'memory' | 'io'): Pressure | undefined {
  if (cgroup.layout.version !== 'v2') return undefined;
  const file = path.join(unifiedDirectory(cgroup) ?? '', `${resource}.pressure`);
  const text = readIfPresent(file);
  return text === undefined ? undefined : parsePressure(text);
}

/** Lines `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`. */
export function parsePressure(text: string): Pressure {
  const share = (kind: string): PressureShare => {
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${kind} `)) ?? '';
    const value = (name: string) => Number(new RegExp(`\\b${name}=([\\d.]+)`).exec(line)?.[1] ?? 0);
    return {
      avg10: value('avg10'),
      avg60: value('avg60'),
      avg300: value('avg300'),
      total: value('total'),
    };
  };
  return { some: share('some'), full: share('full') };
}
