/** Told about settings that were understood and left out, with the reason. */
export type Warn = (message: string) => void;
