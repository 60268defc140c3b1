/* What this kernel offers, found out by trying. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "clone.h"
#include "mayfly.h"
#include "util.h"

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
