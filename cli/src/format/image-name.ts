/**
 * Names of images as people write them. The daemon has checked them: they are only shortened here, without what
 * reading them strictly (`#spec/reference`) would load.
 */

/** `busybox` of `docker.io/library/busybox`. */
export function familiarName(name: string): string {
  return name.replace(/^(?:index\.)?docker\.io\/(?:library\/)?/, '');
}

/** Without digest, and without tag. */
export function repositoryName(name: string): string {
  return familiarName(withoutDigest(name)).replace(/:[^/:]*$/, '');
}

/** `busybox:1` of `busybox:1@sha256:…`. */
export function withoutDigest(name: string): string {
  return name.replace(/@.*$/, '');
}
