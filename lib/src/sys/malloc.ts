/** malloc(3) of libc: how much it keeps for later. */
import { libcFunction } from './libc.ts';

const trim = libcFunction('int malloc_trim(size_t pad)');
const setOption = libcFunction('int mallopt(int param, int value)');

/** <malloc.h> */
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;

/** Gives free memory of all threads' arenas back to the system. */
export function mallocTrim(): void {
  trim(0); // says only whether there was any
}

export interface MallocLimits {
  /** Threads share so many arenas; what one of them has freed serves the others. Those that exist stay. */
  readonly arenas: number;
  /** From so many bytes on an allocation is a mapping of its own, which ends when it is freed. */
  readonly mmapThreshold: number;
}

/** mallopt(3). By itself libc makes up to eight arenas per processor, and keeps what is smaller than 32 MB. */
export function limitMalloc({ arenas, mmapThreshold }: MallocLimits): void {
  setOption(M_ARENA_MAX, arenas);
  setOption(M_MMAP_THRESHOLD, mmapThreshold);
}
