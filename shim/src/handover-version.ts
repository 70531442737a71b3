/**
 * The form in which a shim hands its state to its successor, see handover.ts. A reader must know the writer's number,
 * so it goes up when an older reader would lose something. `-v` prints the newest that is read.
 */
export const handoverVersion = 1;
