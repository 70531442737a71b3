/** How the index of an archive names images (containerd's annotations, and OCI's). */

/** On a descriptor: the whole name of an image in an archive. */
export const imageNameAnnotation = 'io.containerd.image.name';
/** On a descriptor: its tag, or its whole name. */
export const refNameAnnotation = 'org.opencontainers.image.ref.name';
