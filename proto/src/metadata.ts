/** Metadata keys of containerd's API. */
export const namespaceKey = 'containerd-namespace';
/** What the Go code sends over ttrpc in place of {@link namespaceKey}. */
export const ttrpcNamespaceKey = 'containerd-namespace-ttrpc';
export const leaseKey = 'containerd-lease';
