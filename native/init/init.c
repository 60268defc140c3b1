/*
 * PID 1 of a namespace set. It is a fork of the spawner, which is tiny and static: executing a binary of its own
 * would add an exec to every sandbox and nothing to safety (there is nothing secret in the spawner's memory).
 *
 * First it builds the inside of the set, as real root, from one list of steps. Then it makes the set's user
 * namespace, becomes a user without any right but to send signals there, and from there on does two things. It reaps:
 * orphans silently, the main process with a report, after which it ends and the kernel ends whatever is left in the
 * set. And it passes signals that somebody on the host sends it on to the main process.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "mayfly.h"
#include "../src/rights.h"
#include "../src/set.h"
#include "../src/steps.h"
#include "../src/util.h"

struct context {
    int report;
    int proc_sys; /* /proc/sys as it was before it became read-only */
    const int *v1_cgroups;
    unsigned v1_cgroup_count;
};

/* cgroup v1 has no CLONE_INTO_CGROUP; a process that moves itself by `tasks` avoids the RCU wait of the rest. */
static int join_v1_cgroups(struct context *context) {
    for (unsigned i = 0; i < context->v1_cgroup_count; i++) {
        int result = write_file_at(context->v1_cgroups[i], "tasks", "0");
        if (result < 0) return result;
    }
    return 0;
}

/* Only now, inside the cgroup: a cgroup namespace's root is the cgroup in which its maker is. */
static int unshare_cgroup(struct context *context) {
    (void) context;
    return unshare(CLONE_NEWCGROUP) < 0 ? -errno : 0;
}

static int loopback_up(struct context *context) {
    (void) context;
    scope_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int set_hostname(struct context *context) {
    (void) context;
    return sethostname("sandbox", strlen("sandbox")) < 0 ? -errno : 0;
}

/* Mounted from inside the new pid namespace, so that it shows only that. */
static int mount_proc(struct context *context) {
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) return -errno;
    context->proc_sys = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return context->proc_sys < 0 ? -errno : 0;
}

/*
 * The OCI runtime's default masked and read-only paths (moby's oci/defaults.go, containers/common), those in
 * /proc; /sys is not mounted at all. A path that this kernel does not have is nothing to hide.
 */
static int mask_proc(struct context *context) {
    (void) context;
    static const char *const hidden_files[] = {"/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
                                               "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                                               "/proc/interrupts", "/proc/sysrq-trigger"};
    static const char *const hidden_folders[] = {"/proc/acpi", "/proc/asound", "/proc/scsi"};
    static const char *const read_only[] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"};
    for (unsigned i = 0; i < sizeof hidden_files / sizeof *hidden_files; i++)
        if (mount("/dev/null", hidden_files[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT) return -errno;
    /* /opt of the read-only root is empty: a mount that needs no new file system. */
    for (unsigned i = 0; i < sizeof hidden_folders / sizeof *hidden_folders; i++)
        if (mount("/opt", hidden_folders[i], NULL, MS_BIND, NULL) < 0 && errno != ENOENT) return -errno;
    for (unsigned i = 0; i < sizeof read_only / sizeof *read_only; i++) {
        if (mount(read_only[i], read_only[i], NULL, MS_BIND, NULL) < 0) {
            if (errno == ENOENT) continue;
            return -errno;
        }
        unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        if (mount(NULL, read_only[i], NULL, flags, NULL) < 0) return -errno;
    }
    return 0;
}

static int mount_shm(struct context *context) {
    (void) context;
    unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    return mount("shm", "/dev/shm", "tmpfs", flags, "size=64m,nr_inodes=4096,mode=1777") < 0 ? -errno : 0;
}

/* Of the usual size, so that most leases find it ready (mounter.c). */
static int mount_tmp(struct context *context) {
    (void) context;
    char options[96];
    snprintf(options, sizeof options, "size=%llu,nr_inodes=%llu,mode=1777", MF_TMP_BYTES, MF_TMP_INODES);
    return mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 ? -errno : 0;
}

/* The map must be written from outside, by somebody with rights over the parent user namespace. */
static int unshare_user(struct context *context) {
    if (unshare(CLONE_NEWUSER) < 0) return -errno;
    struct mf_report report = {.kind = MF_REPORT_NEEDS_ID_MAP};
    int result = write_exactly(context->report, &report, sizeof report);
    char go;
    return result < 0 ? result : read_exactly(context->report, &go, 1);
}

/*
 * Nobody inside makes a user namespace of his own, in which he would have every capability again and with them
 * much of the kernel to attack. The limit belongs to the set's user namespace: which one is meant is decided when
 * "user" is looked up, so that must happen here and not where /proc/sys was opened (namespaces(7), "limits").
 */
static int forbid_nested_user_namespaces(struct context *context) {
    return write_file_at(context->proc_sys, "user/max_user_namespaces", "0");
}

static int give_up_rights(struct context *context) {
    (void) context;
    int result = drop_bounding_set();
    if (result == 0) result = become(MF_INIT_ID);
    /* Within the set's user namespace: the main process is another user. Nothing inside may signal PID 1 itself. */
    if (result == 0) result = drop_capabilities(CAP_TO_MASK(CAP_KILL));
    if (result < 0) return result;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
    /* Not to be traced or read by anybody inside; and to end with the spawner. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return -errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return -errno;
    prctl(PR_SET_NAME, "mayfly-init", 0, 0, 0);
    return 0;
}

static const struct {
    enum mf_step step;
    int (*run)(struct context *context);
} construction[] = {
    {MF_STEP_SET_CGROUP_V1, join_v1_cgroups},
    {MF_STEP_SET_UNSHARE_CGROUP, unshare_cgroup},
    {MF_STEP_SET_LOOPBACK, loopback_up},
    {MF_STEP_SET_HOSTNAME, set_hostname},
    {MF_STEP_SET_PROC, mount_proc},
    {MF_STEP_SET_PROC_MASK, mask_proc},
    {MF_STEP_SET_SHM, mount_shm},
    {MF_STEP_SET_TMP, mount_tmp},
    {MF_STEP_SET_UNSHARE_USER, unshare_user},
    {MF_STEP_SET_NO_NESTED, forbid_nested_user_namespaces},
    {MF_STEP_SET_IDENTITY, give_up_rights},
};

/* Keeps only the report socket, as descriptor 0. */
static int keep_only(int report) {
    if (dup3(report, 0, O_CLOEXEC) < 0) return -errno;
    return close_range(1, ~0U, 0) < 0 ? -errno : 0;
}

/* What people send to a service. Those that the kernel sends on its own (SIGPIPE, SIGALRM) are nobody's message. */
static const int passed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGCONT, SIGWINCH};

/* Blocked before PID 1 can be seen by anybody, so that none is lost: without a handler the kernel drops it. */
static void block_signals(sigset_t *ret_signals) {
    sigemptyset(ret_signals);
    sigaddset(ret_signals, SIGCHLD);
    for (unsigned i = 0; i < sizeof passed_on / sizeof *passed_on; i++) sigaddset(ret_signals, passed_on[i]);
    sigprocmask(SIG_SETMASK, ret_signals, NULL);
}

/*
 * The pid of the main process is known beforehand: the set's first process after PID 1 is the intermediate that
 * joins it (pid 2), and that one's only child is the main process (join.h).
 */
static _Noreturn void serve(const sigset_t *signals) {
    for (;;) {
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid != MF_MAIN_PID) continue;
            struct mf_report report = {.kind = MF_REPORT_MAIN_ENDED, .value = status};
            write_exactly(0, &report, sizeof report);
            _exit(EXIT_SUCCESS);
        }
        int signal = sigwaitinfo(signals, NULL);
        if (signal > 0 && signal != SIGCHLD) kill(MF_MAIN_PID, signal); /* before there is one: nobody's either */
    }
}

_Noreturn void init_run(int report, const int *v1_cgroup_fds, unsigned v1_cgroup_count) {
    struct context context = {report, -1, v1_cgroup_fds, v1_cgroup_count};
    /* Changing ids forgets it; give_up_rights() says it again. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    sigset_t signals;
    block_signals(&signals);
    setsid();
    for (unsigned i = 0; i < sizeof construction / sizeof *construction; i++) {
        int result = construction[i].run(&context);
        if (result == 0) continue;
        struct mf_report failure = {MF_REPORT_FAILED, construction[i].step, result};
        write_exactly(report, &failure, sizeof failure);
        _exit(EXIT_FAILURE);
    }
    struct mf_report ready = {.kind = MF_REPORT_READY};
    if (keep_only(report) < 0 || write_exactly(0, &ready, sizeof ready) < 0) _exit(EXIT_FAILURE);
    serve(&signals);
}
