#!/bin/sh
# The virtual machine's first program (build-image.ts): loads the modules, mounts the disk, goes on there.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
# Modules need each other; those that came too early come again.
for round in 1 2 3 4 5; do
  for module in /modules/*.ko; do /bin/busybox insmod "$module" 2> /dev/null; done
done
for wait in 1 2 3 4 5 6 7 8 9 10; do
  [ -b /dev/vda ] && break
  /bin/busybox sleep 0.2
done
/bin/busybox mount -t ext4 /dev/vda /disk || {
  echo "the disk cannot be mounted"
  exec /bin/busybox poweroff -f
}
/bin/busybox umount /proc
exec /bin/busybox switch_root /disk /init
