/** What the parts of the container's init agree on: its stack frame, its registers, how it ends. */

/** Where things lie in the stack frame. The path being tried is last: it is checked against the frame's end. */
export const frame = { oldMask: 0, mask: 8, status: 16, path: 32, size: 32 + 4096 } as const;

/** Register that holds the frame's address. */
export const stack = 's0';
/** Register that holds the address of the command's arguments, NULL at their end. */
export const commandArguments = 's1';
/** Register that holds the address of the environment. */
export const environment = 's2';

/** Statuses of a shell, for a command that cannot be run. */
export const exitStatuses = { failed: 1, notExecutable: 126, notFound: 127 } as const;
