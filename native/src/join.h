/*
 * How a process gets into a namespace set. Used by a zygote (which forks itself) and by the spawner (which
 * executes a runtime where forking is not possible).
 *
 *   caller ──clone3(CLONE_VM|CLONE_VFORK|CLONE_INTO_CGROUP)──▶ intermediate ──fork()──▶ main process
 *
 * The intermediate shares the caller's memory, so it costs no copy of it, and it reports by plain variables. It is
 * born in the set's pid namespace (pid 2) and in the sandbox's cgroup, joins the v1 cgroups and all namespaces but
 * the user one, and forks the main process (pid 3), which so is charged to the sandbox from its first page. When
 * the intermediate ends, PID 1 of the set inherits the main process.
 *
 * Why not one clone3 for it all: libuv and glibc repair themselves after a fork in handlers (pthread_atfork) that
 * only the C library's fork() runs. Without them the children of one zygote would share libuv's signal lock pipe.
 */
#ifndef MF_JOIN_H
#define MF_JOIN_H

#include <stdint.h>

/* The descriptors of MF_OP_FORK and MF_OP_EXEC, in this order, then the cgroup's. */
enum { MF_JOIN_PIDFD = 0, MF_JOIN_CONTROL = 1, MF_JOIN_LOG = 2, MF_JOIN_GATE = 3, MF_JOIN_CGROUP = 4 };

struct join {
    const int *fds;
    unsigned fd_count;
    uint32_t uid_base;
    int own_pid_namespace;  /* of the caller, to return to */
    const int *private_fds; /* the caller's own: in the main process these numbers are /dev/null */
    unsigned private_count;
};

/*
 * Returns twice. In the caller: 0, or -errno with *ret_step. In the main process: 1; it has its three standard
 * descriptors and those of the request, is still root, and must call join_give_up_rights().
 */
int join_fork(const struct join *join, uint32_t *ret_step);

/* In the main process: own session, the set's user namespace, no rights. 0, or -errno with *ret_step. */
int join_give_up_rights(const struct join *join, uint32_t *ret_step);

/* In the main process: tells the worker on the control socket what failed, and ends. */
_Noreturn void join_fail(const struct join *join, uint32_t step, int result);

#endif
