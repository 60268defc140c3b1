/*
 * libmayfly: everything that Mayfly asks of the Linux kernel and that Node.js cannot ask itself.
 *
 * Loaded by koffi into two kinds of process: the worker (native/ts/library.ts) and the zygotes
 * (native/ts/zygote-library.ts). This header is the whole ABI.
 *
 * Conventions
 * - A function returns 0 or a positive result on success and -errno on failure; it never logs and sets nothing
 *   that the caller has to read besides its ret_ parameters, which are written on success only.
 * - Descriptors that a function returns are O_CLOEXEC and belong to the caller. Descriptors passed in stay the
 *   caller's, who closes them.
 * - "Does not block" means: no wait for another process. Such a function takes microseconds and may be called
 *   from an event loop.
 * - Structs have a fixed layout without padding, so that JavaScript passes typed arrays for them.
 */
#ifndef MAYFLY_H
#define MAYFLY_H

#include <stddef.h>
#include <stdint.h>

#define MF_EXPORT __attribute__((visibility("default")))

/* ---- Steps ------------------------------------------------------------------------------------------------ */

/*
 * A process that is on its way into a sandbox cannot log. It reports the step that failed and the errno; this
 * turns the step into "what was being done: what to do about it". Static text; NULL for an unknown step.
 */
MF_EXPORT const char *mf_step_text(uint32_t step);

/* ---- Probe ------------------------------------------------------------------------------------------------ */

enum {
    MF_PROBE_CLONE3 = 0,        /* clone3 with CLONE_PIDFD and CLONE_VFORK, Linux 5.3 */
    MF_PROBE_PIDFD = 1,         /* pidfd_open, Linux 5.3 */
    MF_PROBE_MOUNT_API = 2,     /* open_tree, move_mount, mount_setattr, Linux 5.12 */
    MF_PROBE_CLOSE_RANGE = 3,   /* close_range, Linux 5.9 */
    MF_PROBE_NAMESPACES = 4,    /* mount, pid, net, ipc, uts and cgroup namespaces may be made */
    MF_PROBE_USER_NAMESPACE = 5 /* a user namespace may be made */
};

/* Tries one feature for real. 0, or -errno of what failed; -EINVAL for an unknown number. Does not block. */
MF_EXPORT int mf_probe(int feature);

/*
 * CLONE_INTO_CGROUP (Linux 5.7): starts a process in the cgroup and waits for its end.
 * cgroup_fd: an open cgroup v2 directory. 0 or -errno.
 */
MF_EXPORT int mf_probe_clone_into_cgroup(int cgroup_fd);

/* ---- Control groups --------------------------------------------------------------------------------------- */

/*
 * Directory descriptors of one cgroup. On cgroup v2 `unified` is everything and the others are -1. On a hybrid
 * machine `unified` serves membership and killing, and the others are the same cgroup in the v1 hierarchies.
 */
struct mf_cgroup {
    int32_t unified;
    int32_t cpu;
    int32_t memory;
    int32_t pids;
    int32_t blkio;
};

/* A whole block device: neither blk-throttle nor io.max knows partitions. */
struct mf_device {
    uint32_t major;
    uint32_t minor;
};

struct mf_limits {
    uint64_t cpu_quota_us;  /* of CPU time in each period */
    uint64_t cpu_period_us; /* 1,000 to 1,000,000 */
    uint64_t memory_bytes;
    uint64_t pids;          /* processes and threads */
    uint64_t cpu_weight;    /* of CPU time when there is not enough: hundredths of a core; 0 leaves the default */
    uint64_t io_bytes;      /* a second, read and written each, of each device; 0: no limit */
    uint64_t io_operations; /* the same in operations */
};

struct mf_usage {
    uint64_t cpu_us;
    uint64_t throttled_us;
    uint64_t memory_peak_bytes; /* 0 where the kernel does not say (v2 before 5.19) */
    uint64_t oom_kills;
    uint64_t pids_limit_hits;
    uint64_t io_read_bytes; /* of the devices asked about; 0 where no controller counts */
    uint64_t io_written_bytes;
    uint64_t io_reads;
    uint64_t io_writes;
};

/*
 * Makes the cgroup `name` below `base` in every hierarchy that `base` has, without swap and, on v2, with
 * memory.oom.group, and with a tenth of a core's weight. On failure nothing is left. Does not block.
 */
MF_EXPORT int mf_cgroup_create(const struct mf_cgroup *base, const char *name, struct mf_cgroup *ret_cgroup);

/* Writes the limits; those of io for each of the devices. Does not block. */
MF_EXPORT int mf_cgroup_limit(const struct mf_cgroup *cgroup, const struct mf_limits *limits,
                              const struct mf_device *devices, uint32_t device_count);

/* Reads the counters; those of io are sums over the devices. Does not block. */
MF_EXPORT int mf_cgroup_usage(const struct mf_cgroup *cgroup, const struct mf_device *devices, uint32_t device_count,
                              struct mf_usage *ret_usage);

/* Sends SIGKILL to every process of the cgroup, forks under way included (cgroup.kill). Does not block. */
MF_EXPORT int mf_cgroup_kill(const struct mf_cgroup *cgroup);

/* 1 while a process lives in the cgroup, else 0. Does not block. */
MF_EXPORT int mf_cgroup_populated(const struct mf_cgroup *cgroup);

/* Removes the empty cgroup `name` below `base` from every hierarchy. -EBUSY while something is in it. */
MF_EXPORT int mf_cgroup_remove(const struct mf_cgroup *base, const char *name);

/*
 * Makes an open cgroup folder the caller's until it closes the descriptor or ends: an exclusive flock(2), and a mark
 * that it is Mayfly's (the attribute trusted.mayfly). -EAGAIN when somebody else has it. Does not block.
 */
MF_EXPORT int mf_cgroup_claim(int folder);

/* 1 when the folder bears that mark, else 0. Does not block. */
MF_EXPORT int mf_cgroup_is_marked(int folder);

/* ---- Talking to the spawner, the mounter and a zygote ------------------------------------------------------ */

enum {
    MF_OP_CREATE_SET = 1,   /* to the spawner. fds: a cgroup's. Reply: the pid of the set's PID 1 */
    MF_OP_RELEASE_SET = 2,  /* to the spawner, after MF_EVENT_SET_ENDED: `pid` may be reused. No reply */
    MF_OP_START_ZYGOTE = 3, /* to the spawner. fds: the zygote's socket. Reply: its pid */
    MF_OP_EXEC = 4,         /* to the spawner. fds as for MF_OP_FORK. Reply: 0 */
    MF_OP_MOUNT = 5,        /* to the mounter. fds: pidfd of PID 1, gate, bundle mount, and what `mounts` says, in
                               the order of its bits. Opens the gate when all is mounted. Reply: 0 */
    MF_OP_FORK = 6,         /* to a zygote. fds: pidfd of PID 1, control socket, log pipe, gate, a cgroup's. Reply: 0 */
    MF_EVENT_HELLO = 7,     /* from a spawner or a zygote, once, when it is ready */
    MF_EVENT_SET_ENDED = 8  /* from the spawner: every process of the set `pid` is gone. `result`: wait status
                               of its main process, or -1 when the set was killed before that ended */
};

/* Bits of mf_request.mounts: what a lease has beside /tmp and its bundle. */
enum {
    MF_MOUNT_LAYERS = 1,  /* a mount for /opt */
    MF_MOUNT_VOLUMES = 2, /* a mount for /mnt; then, as often as `volumes` says, a folder on it and what goes there */
    MF_MOUNT_CODE = 8,    /* a mount for /var/code */
    MF_MOUNT_ROOT = 4     /* no descriptor: a writable root for the ids from `uid_base` on, as large as /tmp */
};

struct mf_request {
    uint32_t op;
    uint32_t id;         /* comes back in the reply */
    uint32_t pid;        /* MF_OP_RELEASE_SET */
    uint32_t uid_base;   /* first of the 65,536 host uids and gids of the set */
    uint64_t tmp_bytes;  /* MF_OP_MOUNT: size of /tmp, which is MF_TMP_BYTES before */
    uint64_t tmp_inodes; /* MF_OP_MOUNT: files in /tmp */
    uint32_t mounts;     /* MF_OP_MOUNT */
    uint32_t volumes;    /* MF_OP_MOUNT: 0 to MF_VOLUMES_MAX */
};

struct mf_reply {
    uint32_t op;
    uint32_t id;
    uint32_t pid;
    uint32_t step;  /* with a negative result: what failed, for mf_step_text() */
    int32_t result; /* as the op says, or -errno */
};

/* How many descriptors a request may carry. */
#define MF_REQUEST_FDS_MAX 24

/*
 * Sends a request with descriptors on a stream socket. All or nothing; -EAGAIN when the socket's buffer is full.
 * The descriptors may be closed afterwards. Does not block.
 */
MF_EXPORT int mf_send(int socket, const struct mf_request *request, const int32_t *fds, uint32_t fd_count);

/*
 * What a runtime's process finds open beside the standard descriptors, whether it was forked or executed. The gate
 * is an eventfd: the process reads 8 bytes from it, and so waits, before it touches what a lease mounts.
 */
#define MF_CONTROL_FD 3
#define MF_GATE_FD 4

/* A gate, shut. */
MF_EXPORT int mf_gate(void);

/* /tmp of a set that is not leased yet; a lease that wants another size changes it. */
#define MF_TMP_BYTES (64ULL << 20)
#define MF_TMP_INODES (MF_TMP_BYTES / 4096)

/* A connected pair of UNIX stream sockets. */
MF_EXPORT int mf_socketpair(int32_t ret_fds[2]);

/* A pipe, [0] to read (non-blocking), [1] to write. */
MF_EXPORT int mf_log_pipe(int32_t ret_fds[2]);

/* Reads what a non-blocking descriptor has now. Bytes read, 0 at the end, -EAGAIN when empty. Does not block. */
MF_EXPORT int mf_read_available(int fd, void *buffer, uint32_t size);

/* A descriptor of the process; valid in its race only while its parent has not reaped it. */
MF_EXPORT int mf_pidfd_open(uint32_t pid);

/*
 * A detached mount of a folder: read-only, nosuid, nodev, private. For MF_OP_MOUNT; closing it without that
 * undoes it. Does not block.
 */
MF_EXPORT int mf_bundle_mount(const char *folder);

#define MF_LAYERS_MAX 5

/*
 * The same of 1 to MF_LAYERS_MAX folders, merged by overlayfs; what is in a later one lies above. Reads the
 * folders' roots, so it may wait for a disk.
 */
MF_EXPORT int mf_layers_mount(const char *const *folders, uint32_t count);

#define MF_VOLUMES_MAX 8

/*
 * A detached mount of a folder of the operator's: nosuid, nodev, private, without what is mounted below it. Ids of
 * its files are those of `user_namespace`: a file of id 1000 on disk belongs to the guest, and so on disk does what
 * the guest makes. Where its file system cannot do that, all its files belong to nobody that the set knows, and only
 * their rights for others count. Does not block, but for the disk.
 */
MF_EXPORT int mf_volume_mount(const char *folder, int user_namespace, int read_only);

/*
 * A detached, read-only, tiny tmpfs for /mnt with a folder for each name: its mount in ret_fds[0], the folders in
 * ret_fds[1] to ret_fds[count]. Does not block.
 */
MF_EXPORT int mf_mount_points(const char *const *names, uint32_t count, int32_t *ret_fds);

/* ---- Inside a zygote --------------------------------------------------------------------------------------- */

/*
 * Serves MF_OP_FORK on the socket until its other end closes (the process then exits). Returns 0 in each forked
 * process, inside its sandbox and without rights, with MF_CONTROL_FD and MF_GATE_FD its own. Blocks the thread
 * for good: the zygote's JavaScript stands still while it waits. Both descriptors must be taken in the zygote.
 */
MF_EXPORT int mf_zygote_serve(int socket);

/* The pid, and 31 random bits of the kernel's: in microseconds, where Node.js's own ways take a millisecond. */
MF_EXPORT int mf_pid(void);
MF_EXPORT int mf_random(void);

/*
 * Sets the size of V8's old generation from which the calling thread's isolate collects garbage hard, so that it
 * does so before the sandbox's memory is used up. It may still grow beyond. -ENOSYS where the process does not export V8. Does not block.
 */
MF_EXPORT int mf_heap_limit(uint64_t bytes);

/* The signal that asks for a stack: a real-time one, of which nothing else in Node.js knows. */
#define MF_STACK_SIGNAL 37

/*
 * Calls `report` when MF_STACK_SIGNAL came and JavaScript next lets itself be interrupted. Survives fork().
 * -ENOSYS where the process does not export V8. Does not block.
 */
MF_EXPORT int mf_stack_reporter(void (*report)(void));

/* Ends the process at once, without destructors: they would join threads that a forked process lacks. */
MF_EXPORT void mf_exit(int code);

#endif
