/** What runs inside the virtual machine, one fact at a time. */

export interface Check {
  /** A fact, such as `the OOM killer ends a container that needs more than its limit`. Unique. */
  readonly name: string;
  /** Throws when it is not so. */
  run(): void | Promise<void>;
}
