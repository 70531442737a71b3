/** The newest version of runtime-spec that we follow. A file of its own: whoever only names it need not load the decoders. */
export const ociVersion = '1.3.0';
