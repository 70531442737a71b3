/** Runs a program in the loader of either architecture, without our own way of starting it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { encodeProgram } from '#lib/loader/encode';
import { parseFailure, type LoaderFailure } from '#lib/loader/failure';
import { loaderElf } from '#lib/loader/loader-elf';
import type { Program } from '#lib/loader/program';
import type { Architecture } from '#lib/sys/syscalls';
import { emulator, writeExecutables } from '../assembler/executables.ts';

export interface ProgramRun {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  failure: LoaderFailure | undefined;
  milliseconds: number;
}

/** Runs `program`; `shell` is put before the loader, for what a process inherits: `trap "" USR1; exec`. */
export function runProgram(
  architecture: Architecture,
  program: Program,
  { input = '', shell = 'exec' } = {},
): ProgramRun {
  const folder = writeExecutables({
    loader: loaderElf(architecture, program.programDescriptor),
    program: encodeProgram(program, architecture),
  });
  const fd = fs.openSync(path.join(folder, 'program'), 'r');
  try {
    const stdio: (number | 'pipe' | 'ignore' | 'inherit')[] = ['pipe', 'pipe', 'inherit'];
    for (let index = 0; index < program.preserved; index++) stdio.push('ignore');
    stdio.push(fd, 'pipe');
    const command = [...emulator(architecture).command, path.join(folder, 'loader')].join(' ');
    const begin = performance.now();
    const run = spawnSync('/bin/sh', ['-c', `${shell} ${command}`], {
      stdio,
      input,
      timeout: 10000,
    });
    const milliseconds = performance.now() - begin;
    // one buffer for every pipe, null for the others
    const output = run.output as (Buffer | null)[];
    const failure = parseFailure(program, output[program.resultDescriptor] ?? Buffer.alloc(0));
    const stdout = output[1]?.toString() ?? '';
    return { status: run.status, signal: run.signal, stdout, failure, milliseconds };
  } finally {
    fs.closeSync(fd);
    fs.rmSync(folder, { recursive: true });
  }
}
