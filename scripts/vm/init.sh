#!/bin/sh
# First process of the virtual machine: makes it look like a machine, runs the checks, switches it off.
# The kernel's messages and ours go to ttyS0, the results of the checks to ttyS1.
export PATH=/bin
/bin/busybox --install -s /bin
if [ "$1" != again ]; then
  # The kernel unpacks into a root that pivot_root refuses to leave: a bind mount in its place can be left.
  mount --bind / /newroot
  cd /newroot || exit 1
  mount --move . /
  exec chroot . /init again
fi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm /dev/mqueue
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
ip link set lo up
stty -F /dev/ttyS1 raw -echo
if grep -q checks.stage=selinux /proc/cmdline; then
  mount -t selinuxfs selinuxfs /sys/fs/selinux
  cat /checks/policy.bin >/sys/fs/selinux/load
  /engine/lib/node /checks/main.mjs selinux >/dev/ttyS1
  poweroff -f
fi
# Not exec: as process 1 this shell also waits for the orphans that containers leave.
/engine/lib/node /checks/main.mjs >/dev/ttyS1
# The rest of the checks wants a machine that systemd runs: default.target, which switches it off in the end.
exec /lib/systemd/systemd
