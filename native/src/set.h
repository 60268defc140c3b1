/* Namespace sets: made by the spawner, held by their PID 1. */
#ifndef MF_SET_H
#define MF_SET_H

#include <stdint.h>
#include <sys/types.h>

/* Every set maps its ids 0 to 65,535 to a range of the host's that no other set has. */
#define MF_ID_RANGE 65536

/* Inside a set: PID 1's user, the tenant's user and group, and the pid of the main process (see join.h). */
#define MF_INIT_ID 0
#define MF_GUEST_ID 1000
#define MF_MAIN_PID 3

/* What PID 1 writes on its report socket. */
enum { MF_REPORT_NEEDS_ID_MAP = 1, MF_REPORT_READY = 2, MF_REPORT_FAILED = 3, MF_REPORT_MAIN_ENDED = 4 };
struct mf_report {
    uint32_t kind;
    uint32_t step;
    int32_t value; /* MF_REPORT_FAILED: -errno. MF_REPORT_MAIN_ENDED: the wait status of the main process */
};

struct mf_set {
    pid_t pid;  /* PID 1, as this process sees it */
    int pidfd;  /* readable once every process of the set is gone */
    int report; /* PID 1 reports the end of the main process here */
};

/*
 * Makes a set and waits until it is ready (about a millisecond). `cgroup_fds[0]` is a cgroup v2 directory, the
 * others are the same cgroup in v1 hierarchies. `proc` is a descriptor of the host's /proc.
 * 0, or -errno with the failing step in *ret_step; nothing is left then.
 */
int set_create(const int *cgroup_fds, unsigned cgroup_count, uint32_t uid_base, int proc, struct mf_set *ret_set,
               uint32_t *ret_step);

/* Builds the inside of a set from its PID 1, then serves as PID 1. `report` is its socket. Never returns. */
_Noreturn void init_run(int report, const int *v1_cgroup_fds, unsigned v1_cgroup_count);

#endif
