#!/bin/sh
# Runs from the disk, as the machine's PID 1: pure cgroup v2, then the suites (run-in-vm.ts), then off.
export PATH=/mayfly/node_modules/.bin:/bin HOME=/tmp TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2> /dev/null
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
ln -sf /proc/self/fd /dev/fd
ip link set lo up
hostname vm

# A cgroup of its own, as infra/in-own-cgroup.sh makes one: the root cgroup is exempt from rules that hold elsewhere.
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
  echo "+$controller" > /sys/fs/cgroup/cgroup.subtree_control
done
mkdir /sys/fs/cgroup/suites
cd /mayfly || exit 1
# Through cat: a terminal would make vitest draw.
sh -c 'echo $$ > /sys/fs/cgroup/suites/cgroup.procs
  exec node --disable-warning=ExperimentalWarning infra/vm/run-in-vm.ts' 2>&1 | cat
poweroff -f
