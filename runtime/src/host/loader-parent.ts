/** Whose children the loaders are: this process's own, unless it carries out a command for another one. */
import type { LoaderRequest } from '#lib/loader/loader-request';

/** Has a loader started and returns its pid. */
export type LoaderParent = (request: LoaderRequest) => number;

let parent: LoaderParent | undefined;

/** Undefined: this process. */
export function loaderParent(): LoaderParent | undefined {
  return parent;
}

/** From now on; undefined for this process. */
export function setLoaderParent(other: LoaderParent | undefined): void {
  parent = other;
}
