/** What runs inside the virtual machine, one fact at a time. */

export interface Check {
  /** A fact, such as `the OOM killer ends a container that needs more than its limit`. Unique. */
  readonly name: string;
  /**
   * When it runs: with systemd as the first process, or on a machine whose security module is SELinux. The others run
   * first, and with AppArmor.
   */
  readonly stage?: 'systemd' | 'selinux';
  /** Throws when it is not so. */
  run(): void | Promise<void>;
}
