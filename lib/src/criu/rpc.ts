/**
 * criu's RPC: what `criu swrk` is asked and answers. Names and numbers are those of images/rpc.proto (criu 4.2); of
 * the options only those that a container needs.
 */
import type { Message, Schema } from './wire.ts';

/** enum criu_req_type. An answer carries the type of its request, or NOTIFY. */
export const requestTypes = {
  DUMP: 1,
  RESTORE: 2,
  PRE_DUMP: 4,
  NOTIFY: 6,
  FEATURE_CHECK: 9,
  VERSION: 10,
} as const;

/** enum criu_cg_mode: how much of cgroups is restored. */
export const cgroupModes = { ignore: 0, soft: 3, full: 4, strict: 5, default: 6 } as const;

const pageServer = {
  address: { number: 1, type: 'text' },
  port: { number: 2, type: 'int' },
} as const satisfies Schema;

/** key: mount point in the container. val: at the dump a name for it, at the restore what is mounted there. */
const externalMount = {
  key: { number: 1, type: 'text' },
  val: { number: 2, type: 'text' },
} as const satisfies Schema;

const joinNamespace = {
  ns: { number: 1, type: 'text' },
  ns_file: { number: 2, type: 'text' },
} as const satisfies Schema;

const inheritedDescriptor = {
  key: { number: 1, type: 'text' },
  fd: { number: 2, type: 'int' },
} as const satisfies Schema;

const cgroupRoot = {
  ctrl: { number: 1, type: 'text' },
  path: { number: 2, type: 'text' },
} as const satisfies Schema;

const options = {
  images_dir_fd: { number: 1, type: 'int' },
  pid: { number: 2, type: 'int' },
  leave_running: { number: 3, type: 'bool' },
  ext_unix_sk: { number: 4, type: 'bool' },
  tcp_established: { number: 5, type: 'bool' },
  evasive_devices: { number: 6, type: 'bool' },
  shell_job: { number: 7, type: 'bool' },
  file_locks: { number: 8, type: 'bool' },
  log_level: { number: 9, type: 'int' },
  log_file: { number: 10, type: 'text' },
  ps: { number: 11, type: pageServer },
  notify_scripts: { number: 12, type: 'bool' },
  root: { number: 13, type: 'text' },
  parent_img: { number: 14, type: 'text' },
  track_mem: { number: 15, type: 'bool' },
  auto_dedup: { number: 16, type: 'bool' },
  work_dir_fd: { number: 17, type: 'int' },
  link_remap: { number: 18, type: 'bool' },
  ext_mnt: { number: 23, type: externalMount, repeated: true },
  manage_cgroups: { number: 24, type: 'bool' },
  cg_root: { number: 25, type: cgroupRoot, repeated: true },
  rst_sibling: { number: 26, type: 'bool' },
  inherit_fd: { number: 27, type: inheritedDescriptor, repeated: true },
  manage_cgroups_mode: { number: 34, type: 'int' },
  external: { number: 37, type: 'text', repeated: true },
  empty_ns: { number: 38, type: 'int' },
  join_ns: { number: 39, type: joinNamespace, repeated: true },
  freeze_cgroup: { number: 44, type: 'text' },
  tcp_skip_in_flight: { number: 46, type: 'bool' },
  lazy_pages: { number: 48, type: 'bool' },
  orphan_pts_master: { number: 50, type: 'bool' },
  config_file: { number: 51, type: 'text' },
  lsm_profile: { number: 53, type: 'text' },
  lsm_mount_context: { number: 63, type: 'text' },
} as const satisfies Schema;

const features = {
  mem_track: { number: 1, type: 'bool' },
  lazy_pages: { number: 2, type: 'bool' },
} as const satisfies Schema;

export const request = {
  type: { number: 1, type: 'int' },
  opts: { number: 2, type: options },
  notify_success: { number: 3, type: 'bool' },
  features: { number: 5, type: features },
} as const satisfies Schema;

const restored = { pid: { number: 1, type: 'int' } } as const satisfies Schema;

/** Something happens now, and criu waits for the answer. */
const notification = {
  script: { number: 1, type: 'text' },
  pid: { number: 2, type: 'int' },
} as const satisfies Schema;

const version = {
  major_number: { number: 1, type: 'int' },
  minor_number: { number: 2, type: 'int' },
  sublevel: { number: 4, type: 'int' },
} as const satisfies Schema;

export const response = {
  type: { number: 1, type: 'int' },
  success: { number: 2, type: 'bool' },
  restore: { number: 4, type: restored },
  notify: { number: 5, type: notification },
  cr_errno: { number: 7, type: 'int' },
  features: { number: 8, type: features },
  cr_errmsg: { number: 9, type: 'text' },
  version: { number: 10, type: version },
} as const satisfies Schema;

export type CriuOptions = Message<typeof options>;
export type CriuFeatures = Message<typeof features>;
export type CriuRequest = Message<typeof request>;
export type CriuResponse = Message<typeof response>;
export type CriuNotification = Message<typeof notification>;
