/** What the process in a container is given. */
import type { Check } from './check.ts';

const run = 'docker run --rm --network none';

export const processChecks: readonly Check[] = [
  { name: 'run shows output', script: `${run} $IMAGE echo hi`, prints: /^hi$/m },
  { name: 'run ends with the exit code', script: `${run} $IMAGE sh -c 'exit 7'; [ $? = 7 ]` },
  { name: 'run -i hands input on', script: `echo abc | ${run} -i $IMAGE cat`, prints: /^abc$/m },
  {
    name: 'run keeps output and errors apart',
    script: `${run} $IMAGE sh -c 'echo out; echo err >&2' 2>/dev/null; ${run} $IMAGE sh -c 'echo out; echo err >&2' 2>&1 >/dev/null`,
    prints: /^out\nerr$/m,
  },
  {
    name: 'run -it gives a terminal',
    script: `in_terminal docker run -it --rm --network none $IMAGE tty`,
    prints: /\/dev\/pts/,
  },
  {
    name: 'run -u -w -e sets user, folder and environment',
    script: `${run} -u 1000:1001 -w /tmp -e A=b $IMAGE sh -c 'id -u; id -g; pwd; echo $A'`,
    prints: /^1000\n1001\n\/tmp\nb$/m,
  },
  {
    name: 'run --entrypoint replaces the command',
    script: `${run} --entrypoint /bin/echo $IMAGE one two`,
    prints: /^one two$/m,
  },
  {
    name: 'run --init puts an init before the process',
    script: `${run} --init -h foo $IMAGE sh -c 'hostname; cat /proc/1/comm'`,
    prints: /^foo\n.*(init|tini)/m,
  },
  {
    name: 'run --read-only --tmpfs',
    script: `${run} --read-only --tmpfs /t $IMAGE sh -c 'touch /t/a && ! touch /x'`,
    prints: /Read-only file system/,
  },
  {
    name: 'run --cap-drop --cap-add',
    script: `${run} --cap-drop ALL --cap-add CHOWN $IMAGE grep CapEff /proc/1/status`,
    prints: /0000000000000001/,
  },
  {
    name: 'run --cap-add SYS_ADMIN allows mounts',
    script: `${run} --cap-add SYS_ADMIN $IMAGE sh -c 'mount -t tmpfs x /tmp && echo ok'`,
    prints: /^ok$/m,
  },
  {
    name: 'run refuses mounts without it',
    script: `! ${run} $IMAGE mount -t tmpfs x /tmp`,
    prints: /permission denied/i,
  },
  {
    name: 'run --security-opt no-new-privileges',
    script: `${run} --security-opt no-new-privileges $IMAGE grep NoNewPrivs /proc/1/status`,
    prints: /1$/m,
  },
  {
    name: 'run filters system calls by default',
    script: `${run} $IMAGE grep ^Seccomp: /proc/1/status`,
    prints: /2$/m,
  },
  {
    name: 'run --privileged',
    script: `${run} --privileged $IMAGE sh -c 'mount -t tmpfs x /tmp && echo ok'`,
    prints: /^ok$/m,
  },
  {
    name: 'run --device',
    script: `${run} --device /dev/fuse $IMAGE ls -l /dev/fuse`,
    prints: /^c/m,
  },
  {
    name: 'run --sysctl',
    script: `${run} --sysctl kernel.shm_rmid_forced=1 $IMAGE cat /proc/sys/kernel/shm_rmid_forced`,
    prints: /^1$/m,
  },
  {
    name: 'run --ulimit lowers a limit',
    script: `${run} --ulimit nofile=512:1024 $IMAGE sh -c 'ulimit -n; ulimit -Hn'`,
    prints: /^512\n1024$/m,
  },
  {
    name: 'run --ulimit raises a limit',
    script: `${run} --ulimit nofile=1048576:1048576 $IMAGE sh -c 'ulimit -n'`,
    prints: /^1048576$/m,
  },
  {
    name: 'run --pid host',
    script: `${run} --pid host $IMAGE ls -d /proc/$$`,
    prints: /^\/proc\/\d+$/m,
  },
  {
    name: 'run --pid container:',
    script: `docker run -d --name $N --network none $IMAGE sleep 77 && ${run} --pid container:$N $IMAGE ps`,
    prints: /sleep 77/,
  },
  {
    name: 'run --ipc container:',
    script: `docker run -d --name $N --network none --ipc shareable $IMAGE sleep 30 && docker exec $N touch /dev/shm/shared &&
      ${run} --ipc container:$N $IMAGE ls /dev/shm`,
    prints: /^shared$/m,
  },
  {
    name: 'run --uts host',
    script: `[ "$(${run} --uts host $IMAGE hostname)" = "$(uname -n)" ]`,
  },
  {
    name: 'run --shm-size',
    script: `${run} --shm-size 8m $IMAGE df -k /dev/shm`,
    prints: /\b8192\b/,
  },
  {
    name: 'run --group-add',
    script: `${run} --group-add 4321 $IMAGE id -G`,
    prints: /4321/,
  },
  {
    name: 'run --oom-score-adj raises the score',
    script: `${run} --oom-score-adj 500 $IMAGE cat /proc/1/oom_score_adj`,
    prints: /^500$/m,
  },
  {
    name: 'run --oom-score-adj lowers the score',
    script: `${run} --oom-score-adj -500 $IMAGE cat /proc/1/oom_score_adj`,
    prints: /^-500$/m,
  },
  {
    name: 'run says that a command is missing',
    script: `${run} $IMAGE no-such-command; [ $? = 127 ]`,
    prints: /"no-such-command": executable file not found in \$PATH/,
  },
  {
    name: 'run says that a file cannot be executed',
    script: `${run} $IMAGE /etc; [ $? = 126 ]`,
    prints: /permission denied|is a directory/,
  },
];

/** Limits that the kernel holds, read where it shows them: cgroup v1, or v2. */
export const limitChecks: readonly Check[] = [
  {
    name: 'run -m limits memory',
    script: `${run} -m 64m $IMAGE sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true'`,
    prints: /^67108864$/m,
  },
  {
    name: 'run -m: the kernel ends what exceeds it',
    script: `docker run --name $N --network none -m 32m --memory-swap 32m $IMAGE dd if=/dev/zero of=/dev/null bs=200M count=1
      [ $? = 137 ] && until_prints 'true 137' docker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' $N`,
  },
  {
    name: 'run --cpus limits processor time',
    script: `${run} --cpus 0.5 $IMAGE sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu.max 2>/dev/null; true'`,
    prints: /^50000/m,
  },
  {
    name: 'run --cpu-shares',
    script: `${run} --cpu-shares 512 $IMAGE sh -c 'cd /sys/fs/cgroup; cat cpu/cpu.shares cpu.weight 2>/dev/null; true'`,
    prints: /^(512|20)$/m,
  },
  {
    name: 'run --cpuset-cpus',
    script: `${run} --cpuset-cpus 1 $IMAGE grep Cpus_allowed_list /proc/1/status`,
    prints: /\s1$/m,
  },
  {
    name: 'run --pids-limit limits processes',
    script: `${run} --pids-limit 10 $IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1 & done'; true`,
    prints: /can't fork|Resource temporarily/,
  },
  {
    name: 'run --blkio-weight',
    script: `${run} --blkio-weight 300 $IMAGE echo ok | tee $W/said; ! grep -qi warning $W/said`,
  },
  {
    name: 'run --device-write-bps',
    script: `${run} --device-write-bps /dev/vda:1mb $IMAGE cat /sys/fs/cgroup/blkio/blkio.throttle.write_bps_device`,
    prints: /1048576/,
  },
  { name: 'run --cpu-rt-runtime', script: `${run} --cpu-rt-runtime 95000 $IMAGE echo ok` },
  {
    name: 'update changes a limit of what runs',
    script: `docker run -d --name $N --network none -m 64m $IMAGE sleep 60 && docker update -m 128m --memory-swap 128m $N &&
      docker exec $N sh -c 'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true'`,
    prints: /^134217728$/m,
  },
];
