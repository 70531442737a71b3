/** What runs inside the virtual machine, one fact at a time. */

export interface Check {
  /** A fact, such as `the OOM killer ends a container that needs more than its limit`. Unique. */
  readonly name: string;
  /** Needs systemd as the first process; the others run before it is started. */
  readonly underSystemd?: true;
  /** Throws when it is not so. */
  run(): void | Promise<void>;
}
