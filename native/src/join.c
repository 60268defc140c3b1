#define _GNU_SOURCE
#include "join.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "clone.h"
#include "landlock.h"
#include "rights.h"
#include "seccomp.h"
#include "set.h"
#include "steps.h"
#include "util.h"

/* Everything but the user namespace, which takes the right to enter the others. */
#define SET_NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)

/* Filled by the intermediate, read by the caller: they share memory. */
struct outcome {
    int result;
    uint32_t step;
};

static int fail(struct outcome *outcome, enum mf_step step, int result) {
    outcome->step = step;
    outcome->result = result;
    return result;
}

/* stdin is /dev/null of the set; stdout and stderr are the log. The guest may reopen them by /proc/self/fd. */
static int connect_log(const struct join *join) {
    uid_t guest = join->uid_base + MF_GUEST_ID;
    int log = join->fds[MF_JOIN_LOG];
    if (fchown(log, guest, guest) < 0) return -errno;
    scope_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return -errno;
    if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) return -errno;
    return 0;
}

/*
 * Takes the caller's own descriptors away. Their numbers stay taken, by /dev/null: event loops of threads that the
 * main process does not have still know them, and libuv aborts when a wake-up cannot be written; a free number
 * would become a file of the tenant's, into which that wake-up went.
 */
static int blank_private(const struct join *join) {
    if (join->private_count == 0) return 0;
    scope_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return -errno;
    for (unsigned i = 0; i < join->private_count; i++)
        if (dup3(null, join->private_fds[i], O_CLOEXEC) < 0) return -errno;
    return 0;
}

/* In the intermediate. Returns only in the main process. */
static void intermediate(const struct join *join, struct outcome *outcome) {
    const int *fds = join->fds;
    int result = 0;
    for (unsigned i = MF_JOIN_CGROUP + 1; i < join->fd_count && result == 0; i++)
        result = write_file_at(fds[i], "tasks", "0");
    if (result < 0) {
        fail(outcome, MF_STEP_JOIN_CGROUP_V1, result);
    } else if (setns(fds[MF_JOIN_PIDFD], SET_NAMESPACES) < 0) {
        fail(outcome, MF_STEP_JOIN_NAMESPACES, -errno);
    } else if ((result = connect_log(join)) < 0) {
        fail(outcome, MF_STEP_JOIN_LOG, result);
    } else if ((result = blank_private(join)) < 0) {
        fail(outcome, MF_STEP_JOIN_DESCRIPTORS, result);
    } else {
        pid_t pid = fork();
        if (pid == 0) return;
        if (pid < 0) fail(outcome, MF_STEP_JOIN_FORK, -errno);
    }
    _exit(EXIT_SUCCESS);
}

/* A function of its own: its frame holds nothing that the caller needs after the intermediate used the stack. */
static __attribute__((noinline)) int clone_intermediate(const struct join *join, struct outcome *outcome) {
    struct clone_args args = {
        .flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP,
        .cgroup = (uint64_t) join->fds[MF_JOIN_CGROUP],
    };
    pid_t pid = clone3_vfork(&args, sizeof args);
    if (pid == 0) {
        intermediate(join, outcome);
        return 0;
    }
    if (pid < 0) fail(outcome, MF_STEP_JOIN_CLONE, pid);
    return pid;
}

int join_fork(const struct join *join, uint32_t *ret_step) {
    /* Applies to children only. Succeeds even when the set's PID 1 is dead; the clone fails then (ENOMEM). */
    if (setns(join->fds[MF_JOIN_PIDFD], CLONE_NEWPID) < 0) {
        *ret_step = MF_STEP_JOIN_PID_NAMESPACE;
        return -errno;
    }
    /* No signal may run a handler of the caller's in the intermediate. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    struct outcome outcome = {0, MF_STEP_NONE};
    pid_t pid = clone_intermediate(join, &outcome);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid == 0) return 1;

    if (pid > 0) {
        while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR) {
        }
    }
    setns(join->own_pid_namespace, CLONE_NEWPID); /* do not keep the set's alive */
    *ret_step = outcome.step;
    return outcome.result;
}

/* Nothing of this is a boundary; the cgroup is. It keeps core files away and one process from hoarding. */
static int limit_resources(void) {
    static const struct {
        __rlimit_resource_t resource;
        rlim_t value;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, 1024},
        {RLIMIT_MEMLOCK, 64 * 1024},
        {RLIMIT_MSGQUEUE, 800 * 1024},
    };
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct rlimit limit = {limits[i].value, limits[i].value};
        if (setrlimit(limits[i].resource, &limit) < 0) return -errno;
    }
    return 0;
}

int join_give_up_rights(const struct join *join, uint32_t *ret_step) {
    *ret_step = MF_STEP_JOIN_PID;
    if (getpid() != MF_MAIN_PID) return -ESRCH;
    *ret_step = MF_STEP_JOIN_SESSION;
    if (setsid() < 0) return -errno;
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS) return -errno;
    umask(022);
    *ret_step = MF_STEP_JOIN_RESOURCE_LIMITS;
    int result = limit_resources();
    if (result < 0) return result;
    *ret_step = MF_STEP_JOIN_USER_NAMESPACE;
    if (setns(join->fds[MF_JOIN_PIDFD], CLONE_NEWUSER) < 0) return -errno;
    *ret_step = MF_STEP_JOIN_CAPABILITIES;
    if ((result = drop_bounding_set()) < 0) return result;
    *ret_step = MF_STEP_JOIN_IDENTITY;
    if ((result = become(MF_GUEST_ID)) < 0) return result;
    *ret_step = MF_STEP_JOIN_CAPABILITIES;
    if ((result = drop_capabilities(0)) < 0) return result;
    *ret_step = MF_STEP_JOIN_NO_NEW_PRIVS;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    /* Changing ids made it 0, with which a process cannot open its own /proc/self/environ. */
    if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) return -errno;
    *ret_step = MF_STEP_JOIN_LANDLOCK;
    if ((result = isolate_by_landlock()) < 0) return result;
    /* Last: it forbids much of the above. */
    *ret_step = MF_STEP_JOIN_SECCOMP;
    return filter_system_calls();
}

/* The frame of contract/guest-frames.ts: two little-endian lengths, header, no body. */
_Noreturn void join_fail(const struct join *join, uint32_t step, int result) {
    struct {
        uint32_t header_bytes, body_bytes;
        char header[96];
    } frame = {0};
    int length = snprintf(frame.header, sizeof frame.header, "{\"type\":\"failed\",\"step\":%u,\"errno\":%d}", step,
                          -result);
    frame.header_bytes = (uint32_t) length;
    write_exactly(join->fds[MF_JOIN_CONTROL], &frame, 8 + (size_t) length);
    _exit(EXIT_FAILURE);
}
