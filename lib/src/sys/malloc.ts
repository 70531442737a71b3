/** malloc_trim(3): what the allocator of libc keeps for later. */
import { libcFunction } from './libc.ts';

const trim = libcFunction('int malloc_trim(size_t pad)');

/** Gives free memory of all threads' arenas back to the system. */
export function mallocTrim(): void {
  trim(0); // says only whether there was any
}
