/**
 * The one door to koffi. It loads on first use, so that a process which makes no system call of its own
 * (`runtime state`) never pays for it. The bundler replaces this file by one that loads `lib/koffi.node`
 * beside the bundle (scripts/build/bundle.ts).
 */
import { createRequire } from 'node:module';

type Koffi = typeof import('koffi').default;

let loaded: Koffi | undefined;

/** koffi itself, for files in this folder only. */
export function loadKoffi(): Koffi {
  loaded ??= createRequire(import.meta.url)('koffi') as Koffi;
  return loaded;
}
