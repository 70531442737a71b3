/** A program for people (`runtime explain`) and for tools (`runtime explain --json`). */
import { formatAddress, formatOperand } from './format-operand.ts';
import type { Demand, Operation, Program, SyscallOperation } from './program.ts';
import { signatures } from './signatures.ts';

/**
 * The program as text: stages as headings with the property of config.json behind them, one line per operation.
 *
 *   mount proc  (mounts[0])
 *      12  r3 = fsopen("proc", FSOPEN_CLOEXEC)
 *      13  fsconfig(r3, FSCONFIG_CMD_CREATE, NULL, NULL, 0)   EPERM → 17
 */
export function printProgram(program: Program): string {
  const lines: string[] = [];
  let heading = '';
  program.operations.forEach((operation, index) => {
    const { stage, property } = operation;
    const current = property === undefined ? stage : `${stage}  (${property})`;
    if (current !== heading) lines.push(...(lines.length > 0 ? [''] : []), current);
    heading = current;
    lines.push(`${String(index).padStart(5)}  ${printOperation(program, operation)}`);
  });
  return `${lines.join('\n')}\n`;
}

/** What {@link programJson} makes. */
export interface ProgramJson {
  readonly descriptors: Program['descriptors'];
  readonly preservedDescriptors: number;
  readonly operations: readonly Readonly<Record<string, unknown>>[];
}

/** The program as a value for JSON.stringify: provenance in fields of its own, operands as they are printed. */
export function programJson(program: Program): ProgramJson {
  return {
    descriptors: program.descriptors,
    preservedDescriptors: program.preserved,
    operations: program.operations.map((operation, index) => ({
      index,
      stage: operation.stage,
      ...(operation.property !== undefined && { property: operation.property }),
      kind: operation.kind,
      text: printOperation(program, operation),
      ...(operation.kind === 'syscall' && {
        syscall: operation.name,
        args: formatArguments(program, operation),
        demand: operation.demand,
        ...(operation.onErrno.length > 0 && { onErrno: operation.onErrno }),
        ...(operation.retry && { retry: operation.retry }),
      }),
      ...(operation.kind === 'branch' && { target: operation.target }),
    })),
  };
}

/** One operation on one line, without its provenance. */
export function printOperation(program: Program, operation: Operation): string {
  switch (operation.kind) {
    case 'syscall':
      return printSyscall(program, operation);
    case 'move':
      return `r${operation.register.register} = ${formatOperand(program, operation.value)}`;
    case 'load': {
      const place = formatAddress(program, operation.address);
      return `r${operation.register.register} = load${operation.width} ${place}`;
    }
    case 'store': {
      const place = formatAddress(program, operation.address);
      return `store${operation.width} ${place} = r${operation.register.register}`;
    }
    case 'fail':
      return `fail with ${operation.errno}`;
    case 'branch': {
      const { register, mask, value, target } = operation;
      if (mask === 0 && value === 0) return `go to ${target}`;
      const all = BigInt(mask) === -1n;
      const left = all ? `r${register.register}` : `(r${register.register} & 0x${hex(mask)})`;
      return `if ${left} == ${all ? value.toString() : `0x${hex(value)}`} go to ${target}`;
    }
  }
}

function printSyscall(program: Program, operation: SyscallOperation): string {
  const { name, result, demand, onErrno, retry } = operation;
  const target = result ? `r${result.register} = ` : '';
  const call = `${target}${name}(${formatArguments(program, operation).join(', ')})`;
  const notes = [
    printDemand(demand),
    ...onErrno.map((branch) => `${branch.errno} → ${branch.target}`),
    ...(retry ? [`${retry.errno} retried ${retry.times}×`] : []),
  ].filter((note) => note !== '');
  return notes.length > 0 ? `${call}   ${notes.join(', ')}` : call;
}

function formatArguments(program: Program, { name, args }: SyscallOperation): string[] {
  const formats = signatures[name] ?? [];
  return args.map((argument, index) => formatOperand(program, argument, formats[index]));
}

function printDemand(demand: Demand): string {
  if (demand === 'nonnegative') return '';
  return demand === 'any' ? 'may fail' : `must be ${demand}`;
}

function hex(value: number | bigint): string {
  return BigInt.asUintN(64, BigInt(value)).toString(16);
}
