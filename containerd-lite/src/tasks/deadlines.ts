/** How long shims may take. */

/** To answer what takes no work. */
export const quickDeadlineMs = 20_000;
/** To create or start something: mounts, hooks and a loaded machine take their time. */
export const slowDeadlineMs = 120_000;
