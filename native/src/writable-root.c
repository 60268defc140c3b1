/*
 * writableRoot, in the mounter. docs/decisions/0011. /tmp of the set, still an empty folder, is where the parts are
 * put together; with the old root it goes away, so nothing of that has a name afterwards.
 */
#define _GNU_SOURCE
#include "writable-root.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "clone.h"
#include "steps.h"
#include "util.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
/* struct mount_attr of linux/mount.h, which some C libraries' sys/mount.h collides with. */
struct mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};
#define ATTR_IDMAP 0x00100000

/* Written from outside, by somebody with rights over the parent user namespace (user_namespaces(7)). */
static int map_root_to(int proc, pid_t pid, uint32_t owner) {
    char name[64], map[64];
    snprintf(map, sizeof map, "0 %u 1\n", owner);
    snprintf(name, sizeof name, "%d/uid_map", pid);
    int result = write_file_at(proc, name, map);
    if (result < 0) return result;
    snprintf(name, sizeof name, "%d/gid_map", pid);
    result = write_file_at(proc, name, map);
    if (result < 0) return result;
    snprintf(name, sizeof name, "%d/ns/user", pid);
    int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int root_owner_namespace(int proc, uint32_t owner) {
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    pid_t pid = clone3_fork(&args);
    if (pid < 0) return pid;
    if (pid == 0) {
        /* Lives until the map is written; no longer than the mounter, whatever happens to that. */
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        for (;;) pause();
    }
    int result = map_root_to(proc, pid, owner);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return result;
}

/* The tmpfs and, on it, the layers' folders and the new root's. */
static int make_upper(uint32_t owner, uint64_t bytes, uint64_t inodes) {
    char options[128];
    snprintf(options, sizeof options, "size=%" PRIu64 ",nr_inodes=%" PRIu64 ",mode=755", bytes, inodes);
    if (mount("root", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) return -errno;
    static const char *const folders[] = {"/tmp/lower", "/tmp/upper", "/tmp/work", "/tmp/root"};
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++)
        if (mkdir(folders[i], 0755) < 0) return -errno;
    return chown("/tmp/upper", owner, owner) < 0 ? -errno : 0;
}

/* A copy of the root's mount on which root's files belong to the guest. */
static int mount_lower(int user_namespace) {
    scope_fd int fd = (int) syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct mount_attributes mapping = {.set = ATTR_IDMAP, .user_namespace = (uint64_t) user_namespace};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &mapping, sizeof mapping) < 0) return -errno;
    long moved = syscall(SYS_move_mount, fd, "", AT_FDCWD, "/tmp/lower", MOVE_MOUNT_F_EMPTY_PATH);
    return moved < 0 ? -errno : 0;
}

/* An overlay keeps mounts of its layers for itself: no path leads to them when the old root is gone. */
static int mount_overlay(void) {
    static const char options[] = "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work";
    return mount("root", "/tmp/root", "overlay", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

/* With all that is mounted below them: the masks over /proc, /dev/shm. */
static int move_mounts(void) {
    if (mount("/proc", "/tmp/root/proc", NULL, MS_MOVE, NULL) < 0) return -errno;
    return mount("/dev", "/tmp/root/dev", NULL, MS_MOVE, NULL) < 0 ? -errno : 0;
}

/*
 * pivot_root(2) also moves every process whose root or working folder is the old root: PID 1 and the parked main
 * process, which have not gone anywhere else yet. The old root, now above the new one, goes with all below it.
 */
static int pivot(void) {
    if (chdir("/tmp/root") < 0) return -errno;
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
    if (umount2(".", MNT_DETACH) < 0) return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

int make_root_writable(int user_namespace, uint32_t owner, uint64_t bytes, uint64_t inodes, uint32_t *ret_step) {
    *ret_step = MF_STEP_ROOT_UPPER;
    int result = make_upper(owner, bytes, inodes);
    if (result < 0) return result;
    *ret_step = MF_STEP_ROOT_LOWER;
    result = mount_lower(user_namespace);
    if (result < 0) return result;
    *ret_step = MF_STEP_ROOT_OVERLAY;
    result = mount_overlay();
    if (result < 0) return result;
    *ret_step = MF_STEP_ROOT_MOVE;
    result = move_mounts();
    if (result < 0) return result;
    *ret_step = MF_STEP_ROOT_PIVOT;
    return pivot();
}
