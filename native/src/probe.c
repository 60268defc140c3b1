/* What this kernel offers, found out by trying. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "clone.h"
#include "mayfly.h"
#include "util.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
/* struct mount_attr of linux/mount.h, which some C libraries' sys/mount.h collides with. */
struct mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};
#define ATTR_RDONLY 0x1
#define ATTR_NOSUID 0x2
#define ATTR_NODEV 0x4

/* A child that ends at once, in the namespaces of `flags`. It shares memory: nothing of a large caller is copied. */
static __attribute__((noinline)) int try_clone(uint64_t flags, int cgroup) {
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK | flags, .cgroup = (uint64_t) cgroup};
    pid_t pid = clone3_vfork(&args, sizeof args);
    if (pid == 0) _exit(EXIT_SUCCESS);
    if (pid < 0) return pid;
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
    }
    return 0;
}

int mf_probe(int feature) {
    switch (feature) {
    case MF_PROBE_CLONE3:
        return try_clone(0, 0);
    case MF_PROBE_PIDFD: {
        scope_fd int fd = mf_pidfd_open((uint32_t) getpid());
        return fd < 0 ? fd : 0;
    }
    case MF_PROBE_MOUNT_API: {
        scope_fd int fd = mf_bundle_mount("/");
        return fd < 0 ? fd : 0;
    }
    case MF_PROBE_CLOSE_RANGE:
        return syscall(SYS_close_range, ~0U, ~0U, 0) < 0 ? -errno : 0;
    case MF_PROBE_NAMESPACES:
        return try_clone(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
                         0);
    case MF_PROBE_USER_NAMESPACE:
        return try_clone(CLONE_NEWUSER, 0);
    default:
        return -EINVAL;
    }
}

int mf_probe_clone_into_cgroup(int cgroup_fd) {
    return try_clone(CLONE_INTO_CGROUP, cgroup_fd);
}

int mf_pidfd_open(uint32_t pid) {
    long fd = syscall(SYS_pidfd_open, (pid_t) pid, 0);
    return fd < 0 ? -errno : (int) fd;
}

int mf_bundle_mount(const char *folder) {
    scope_fd int fd = (int) syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct mount_attributes attributes = {.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, .propagation = MS_PRIVATE};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0) return -errno;
    return steal_fd(&fd);
}
