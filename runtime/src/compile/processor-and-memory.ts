/** Where a process may run and take memory from: `process.execCPUAffinity` and `linux.memoryPolicy`. */
import { StackError } from '#spec/errors';
import type { MemoryPolicy } from '#spec/oci/linux';
import type { CompileContext } from './context.ts';
import { bitMask } from './number-list.ts';

/** Restricts the calling process to the CPUs of `list`. */
export function setCpuAffinity(
  context: CompileContext,
  list: string | undefined,
  property: string,
): void {
  if (list === undefined || list === '') return;
  const { program } = context;
  const mask = bitMask(list, property);
  program.stage(`run on CPU ${list}`).from(property);
  program.syscall('sched_setaffinity', [0, mask.length, program.bytes(mask)]);
}

/** linux/mempolicy.h */
const modes: ReadonlyMap<string, number> = new Map([
  ['MPOL_DEFAULT', 0],
  ['MPOL_PREFERRED', 1],
  ['MPOL_BIND', 2],
  ['MPOL_INTERLEAVE', 3],
  ['MPOL_LOCAL', 4],
  ['MPOL_PREFERRED_MANY', 5],
  ['MPOL_WEIGHTED_INTERLEAVE', 6],
]);
const modeFlags: ReadonlyMap<string, number> = new Map([
  ['MPOL_F_NUMA_BALANCING', 1 << 13],
  ['MPOL_F_RELATIVE_NODES', 1 << 14],
  ['MPOL_F_STATIC_NODES', 1 << 15],
]);

export const memoryPolicyModes: readonly string[] = [...modes.keys()];
export const memoryPolicyFlags: readonly string[] = [...modeFlags.keys()];

export function setMemoryPolicy(context: CompileContext, policy: MemoryPolicy | undefined): void {
  if (!policy) return;
  const { program } = context;
  const property = 'linux.memoryPolicy';
  const mode = lookUp(modes, policy.mode, `${property}.mode`);
  const flags = (policy.flags ?? []).reduce(
    (sum, flag, index) => sum | lookUp(modeFlags, flag, `${property}.flags[${index}]`),
    0,
  );
  const mask = policy.nodes ? bitMask(policy.nodes, `${property}.nodes`) : undefined;
  program.stage(`take memory by ${policy.mode}`).from(property);
  // The kernel takes one bit less than it is told (mm/mempolicy.c, get_nodes).
  const nodes = mask ? [program.bytes(mask), 8 * mask.length + 1] : [0, 0];
  program.syscall('set_mempolicy', [mode | flags, ...nodes]);
}

function lookUp(table: ReadonlyMap<string, number>, name: string, property: string): number {
  const value = table.get(name);
  if (value !== undefined) return value;
  throw new StackError(
    'invalid_argument',
    `${property}: "${name}" is none of ${[...table.keys()].join(', ')}`,
  );
}
