/** A policy for SELinux in which nothing is forbidden: it knows three types, so that labels can be told apart. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const policyCompiler = '/usr/bin/checkpolicy';

/** The kernel's own, in its order (security/selinux/include/initial_sid_to_string.h). */
const initialSids =
  'kernel security unlabeled fs file file_labels init any_socket port netif netmsg node igmp_packet icmp_socket ' +
  'tcp_socket sysctl_modprobe sysctl sysctl_fs sysctl_kernel sysctl_net sysctl_net_unix sysctl_vm sysctl_dev kmod ' +
  'policy scmp_packet devnull';

const base = 'user_u:base_r:base_t';
/** Linux 6.1 reads versions up to this. */
const policyVersion = '33';

/** Compiles the policy in `work` and returns the path of its binary form. */
export function compilePolicy(work: string): string {
  const sids = initialSids.split(' ');
  const source = path.join(work, 'policy.conf');
  const binary = path.join(work, 'policy.bin');
  fs.writeFileSync(
    source,
    [
      'class process',
      'class file',
      ...sids.map((sid) => `sid ${sid}`),
      'class process { transition dyntransition setexec }', // the kernel demands the first two
      'class file { read entrypoint }',
      'type base_t; type box_t; type boxfile_t;',
      'role base_r; role base_r types { base_t box_t boxfile_t };',
      'allow base_t box_t:process transition;',
      'user user_u roles { base_r };',
      ...sids.map((sid) => `sid ${sid} ${base}`),
      ...['tmpfs', 'devtmpfs', 'devpts', 'mqueue'].map((type) => `fs_use_trans ${type} ${base};`),
      ...['proc', 'sysfs', 'selinuxfs', 'rootfs', 'cgroup', 'cgroup2', 'securityfs'].map(
        (type) => `genfscon ${type} / ${base}`,
      ),
      '',
    ].join('\n'),
  );
  // -U allow: what the policy does not name is not forbidden.
  execFileSync(policyCompiler, ['-U', 'allow', '-c', policyVersion, '-o', binary, source]);
  return binary;
}
