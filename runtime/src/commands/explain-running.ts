/**
 * `explain --running`: the program that made a container, compiled again from its state, with how far it has come and
 * what can be seen of it now.
 */
import fs from 'node:fs';
import { printOperation, programJson } from '#lib/loader/print';
import type { Operation, Program } from '#lib/loader/program';
import { StackError } from '#spec/errors';
import { print, printJson } from '../command-line/output.ts';
import { waitForStartStage } from '../compile/container-program.ts';
import type { StateStore } from '../container/state-store.ts';
import { isWaiting, statusOf } from '../container/status.ts';
import { recordedCgroup } from '../host/cgroups.ts';
import { compileAgain } from '../host/compile-again.ts';
import { observe, type Observation } from '../host/observations.ts';

/** Where an operation stands. Branches that were not taken are listed too: the program does not record its way. */
type Progress = 'done' | 'waiting here' | 'to come';

/** Throws conflict for a container that has ended: there is nothing to see. */
export function explainRunning(
  id: string,
  store: StateStore,
  { json }: { readonly json: boolean },
): void {
  const record = store.read(id);
  const status = statusOf(record, store);
  if (status === 'stopped' || status === 'creating') {
    throw new StackError('conflict', `cannot explain a container in the ${status} state`);
  }
  const program = compileAgain(record, store);
  const observations = observe(record, recordedCgroup(record.cgroupPath));
  const progress = progressOf(program, fs.existsSync(store.fifo(id)) && isWaiting(record.pid));
  if (json) {
    const { pid, created, bundle } = record;
    const { operations, ...rest } = programJson(program);
    printJson({
      container: { id, pid, status, created, bundle },
      observations,
      ...rest,
      operations: operations.map((operation, index) => ({
        ...operation,
        progress: progress[index],
      })),
    });
    return;
  }
  const heading = `container ${id}: ${status}, process ${record.pid}, created ${record.created}\n`;
  print(`${heading}\n${printWith(program, progress, observations)}`);
}

/** A created container stands in the middle of the stage that waits for `start`. */
function progressOf(program: Program, waits: boolean): Progress[] {
  const { operations } = program;
  const isWait = ({ stage }: Operation) => stage === waitForStartStage;
  const first = waits ? operations.findIndex(isWait) : operations.length;
  const last = waits ? operations.findLastIndex(isWait) : operations.length;
  return operations.map((_, index) =>
    index < first ? 'done' : index <= last ? 'waiting here' : 'to come',
  );
}

function printWith(
  program: Program,
  progress: readonly Progress[],
  observations: readonly Observation[],
): string {
  const lines: string[] = [];
  const told = new Set<string>();
  let heading = '';
  program.operations.forEach((operation, index) => {
    const { stage, property } = operation;
    const current = property === undefined ? stage : `${stage}  (${property})`;
    if (current !== heading) {
      const mark = progress[index] === 'done' ? '' : `  [${progress[index] ?? ''}]`;
      lines.push('', `${current}${mark}`);
      const seen = progress[index] === 'done' ? observationOf(property, observations) : undefined;
      if (seen && !told.has(seen.property)) lines.push(printObservation(seen));
      if (seen) told.add(seen.property);
    }
    heading = current;
    lines.push(`${String(index).padStart(5)}  ${printOperation(program, operation)}`);
  });
  const others = observations.filter(({ property }) => !told.has(property));
  lines.push('', 'beside the program');
  for (const other of others) lines.push(`${printObservation(other)}  (${other.property})`);
  return `${lines.slice(1).join('\n')}\n`;
}

function printObservation({ now, asConfigured }: Observation): string {
  const mark =
    asConfigured === undefined ? 'now' : asConfigured ? 'now, as asked' : 'now OTHERWISE';
  return `       ${mark}: ${now}`;
}

/** Of the property itself, or of the nearest that it is part of: `mounts[2]` for `mounts[2].options`. */
function observationOf(
  property: string | undefined,
  observations: readonly Observation[],
): Observation | undefined {
  return observations
    .filter((one) => property === one.property || property?.startsWith(`${one.property}.`))
    .sort((one, other) => other.property.length - one.property.length)[0];
}
