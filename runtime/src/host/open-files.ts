/** RLIMIT_NOFILE as the caller had it: Node raises the soft limit for itself and for what it starts. */
import fs from 'node:fs';
import { softOpenFilesVariable } from '#lib/loader/launcher';
import type { OpenFileLimit } from '../compile/input.ts';

/** Undefined when the runtime was not started by the launcher, or the limit does not differ. */
export function originalOpenFiles(): OpenFileLimit | undefined {
  const soft = process.env[softOpenFilesVariable];
  if (soft === undefined || !/^\d+$/.test(soft)) return undefined;
  const limits = fs.readFileSync('/proc/self/limits', 'utf8');
  const hard = /^Max open files\s+\d+\s+(\d+)/m.exec(limits)?.[1];
  if (hard === undefined) return undefined;
  return { soft: BigInt(soft), hard: BigInt(hard) };
}
