/*
 * The spawner's half of making a namespace set: clone PID 1 into the sandbox's cgroup and into new namespaces,
 * answer its request for an id map, wait until it is ready. PID 1's half is init/.
 *
 * The user namespace is made last, by PID 1 itself, when everything else is mounted. So all other namespaces of
 * the set belong to the host's user namespace: root inside the set, and whoever might become it, has no power
 * over them at all. The usual order (user namespace first) would hand them over. docs/decisions/0003.
 */
#define _GNU_SOURCE
#include "set.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "clone.h"
#include "steps.h"
#include "util.h"

static int write_id_maps(int proc, pid_t pid, uint32_t uid_base) {
    char name[64], map[64];
    snprintf(map, sizeof map, "0 %u %u\n", uid_base, MF_ID_RANGE);
    snprintf(name, sizeof name, "%d/uid_map", pid);
    int result = write_file_at(proc, name, map);
    if (result < 0) return result;
    /* user_namespaces(7): without this a process could drop groups that deny it access. */
    snprintf(name, sizeof name, "%d/setgroups", pid);
    result = write_file_at(proc, name, "deny");
    if (result < 0) return result;
    snprintf(name, sizeof name, "%d/gid_map", pid);
    return write_file_at(proc, name, map);
}

/* Talks PID 1 through its start. */
static int wait_until_ready(const struct mf_set *set, uint32_t uid_base, int proc, uint32_t *ret_step) {
    for (;;) {
        struct mf_report report;
        int result = read_exactly(set->report, &report, sizeof report);
        *ret_step = MF_STEP_SET_ENDED;
        if (result < 0) return result;
        switch (report.kind) {
        case MF_REPORT_NEEDS_ID_MAP:
            *ret_step = MF_STEP_SET_ID_MAP;
            result = write_id_maps(proc, set->pid, uid_base);
            if (result == 0) result = write_exactly(set->report, "g", 1);
            if (result < 0) return result;
            break;
        case MF_REPORT_READY:
            return 0;
        case MF_REPORT_FAILED:
            *ret_step = report.step;
            return report.value;
        default:
            return -EPROTO;
        }
    }
}

int set_create(const int *cgroup_fds, unsigned cgroup_count, uint32_t uid_base, int proc, struct mf_set *ret_set,
               uint32_t *ret_step) {
    int pair[2];
    *ret_step = MF_STEP_SET_SOCKET;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) return -errno;
    scope_fd int ours = pair[0], theirs = pair[1];

    int pidfd = -1;
    struct clone_args args = {
        .flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD |
                 CLONE_INTO_CGROUP,
        .pidfd = (uint64_t) (uintptr_t) &pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (uint64_t) cgroup_fds[0],
    };
    *ret_step = MF_STEP_SET_CLONE;
    pid_t pid = clone3_fork(&args);
    if (pid < 0) return pid;
    if (pid == 0) {
        close(steal_fd(&ours)); /* so that the spawner's death ends PID 1's reading */
        init_run(theirs, cgroup_fds + 1, cgroup_count - 1);
    }

    close(steal_fd(&theirs)); /* so that PID 1's death ends our reading */
    struct mf_set set = {.pid = pid, .pidfd = pidfd, .report = ours};
    int result = wait_until_ready(&set, uid_base, proc, ret_step);
    if (result < 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        close(pidfd);
        return result;
    }
    steal_fd(&ours);
    *ret_set = set;
    return 0;
}
