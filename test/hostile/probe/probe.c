/*
 * What a process may do where it runs: `probe CALL` makes one system call and prints "RESULT ERRNO"; `probe all` makes
 * each in a child of its own and prints a line for each; `probe bomb KIND` takes what it can get. Static, so that
 * it runs in any root. Used by the hostile suite, and by compare-sandboxes.ts in other sandboxes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[1 << 16];
static struct iovec local = {buffer, 8}, foreign = {(void *) 0x400000, 8};
/* struct clone_args, struct io_uring_params, union bpf_attr, struct perf_event_attr: big enough for each. */
static uint64_t zeroes[64];
static uint64_t perf[16] = {[0] = 1 | (uint64_t) 112 << 32};

static long foreign_architecture(void) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L /* getpid */) : "memory", "r8", "r9", "r10", "r11");
    return result > -4096 && result < 0 ? (errno = (int) -result, -1) : result;
#else
    errno = ENOSYS;
    return -1;
#endif
}

static long clone_with(unsigned long flags) {
    long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) _exit(0);
    return pid;
}

#define PROBES(PROBE)                                                                             \
    PROBE("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0))                               \
    PROBE("umount2", syscall(SYS_umount2, "/proc", 2))                                              \
    PROBE("fsopen", syscall(430, "tmpfs", 0))                                                       \
    PROBE("fsmount", syscall(432, -1, 0, 0))                                                        \
    PROBE("open_tree", syscall(428, AT_FDCWD, "/", 1))                                              \
    PROBE("move_mount", syscall(429, AT_FDCWD, "/tmp", AT_FDCWD, "/", 0))                           \
    PROBE("mount_setattr", syscall(442, AT_FDCWD, "/", 0, zeroes, 32))                              \
    PROBE("pivot_root", syscall(SYS_pivot_root, "/tmp", "/tmp"))                                    \
    PROBE("chroot", syscall(SYS_chroot, "/tmp"))                                                    \
    PROBE("mknod_device", syscall(SYS_mknodat, AT_FDCWD, "/tmp/device", S_IFBLK | 0600, makedev(254, 0))) \
    PROBE("unshare_user", syscall(SYS_unshare, CLONE_NEWUSER))                                      \
    PROBE("unshare_mount", syscall(SYS_unshare, CLONE_NEWNS))                                       \
    PROBE("unshare_net", syscall(SYS_unshare, CLONE_NEWNET))                                        \
    PROBE("clone_user", clone_with(CLONE_NEWUSER))                                                  \
    PROBE("clone_pid", clone_with(CLONE_NEWPID))                                                    \
    PROBE("clone_cgroup", clone_with(CLONE_NEWCGROUP))                                              \
    PROBE("clone3", syscall(435, zeroes, 64))                                                       \
    PROBE("setns", syscall(SYS_setns, open("/proc/self/ns/net", O_RDONLY), 0))                      \
    PROBE("setuid_root", syscall(SYS_setuid, 0))                                                    \
    PROBE("setgroups", syscall(SYS_setgroups, 1, zeroes))                                           \
    PROBE("sethostname", syscall(SYS_sethostname, "x", 1))                                          \
    PROBE("ptrace", syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE: an attached parent would stop */, getppid(), 0, 0))                   \
    PROBE("process_vm_readv", syscall(SYS_process_vm_readv, getppid(), &local, 1, &foreign, 1, 0))  \
    PROBE("process_vm_writev", syscall(SYS_process_vm_writev, getppid(), &local, 1, &foreign, 1, 0)) \
    PROBE("pidfd_getfd", syscall(438, -1, 0, 0))                                                    \
    PROBE("kcmp", syscall(SYS_kcmp, getpid(), getppid(), 0, 0, 0))                                  \
    PROBE("bpf", syscall(SYS_bpf, 0, zeroes, 72))                                                   \
    PROBE("perf_event_open", syscall(SYS_perf_event_open, perf, 0, -1, -1, 0))                      \
    PROBE("userfaultfd", syscall(SYS_userfaultfd, 1))                                               \
    PROBE("io_uring_setup", syscall(425, 4, zeroes))                                                \
    PROBE("io_setup", syscall(SYS_io_setup, 1, zeroes))                                             \
    PROBE("keyctl", syscall(SYS_keyctl, 0, -3, 1))                                                  \
    PROBE("add_key", syscall(SYS_add_key, "user", "k", "v", 1, -3))                                 \
    PROBE("request_key", syscall(SYS_request_key, "user", "k", 0, -3))                              \
    PROBE("socket_netlink", socket(AF_NETLINK, SOCK_RAW, 0))                                        \
    PROBE("socket_packet", socket(AF_PACKET, SOCK_RAW, 0))                                          \
    PROBE("socket_alg", socket(38, SOCK_SEQPACKET, 0))                                              \
    PROBE("socket_vsock", socket(40, SOCK_STREAM, 0))                                               \
    PROBE("socket_bluetooth", socket(31, SOCK_RAW, 0))                                              \
    PROBE("socket_raw", socket(AF_INET, SOCK_RAW, 1))                                               \
    PROBE("socket_sctp", socket(AF_INET, SOCK_STREAM, 132))                                         \
    PROBE("personality", syscall(SYS_personality, 0x0040000))                                       \
    PROBE("foreign_architecture", foreign_architecture())                                           \
    PROBE("x32", syscall(0x40000000 | 39))                                                          \
    PROBE("tiocsti", ioctl(0, 0x5412, "x"))                                                         \
    PROBE("init_module", syscall(SYS_init_module, zeroes, 8, ""))                                   \
    PROBE("delete_module", syscall(SYS_delete_module, "x", 0))                                      \
    PROBE("kexec_load", syscall(SYS_kexec_load, 0, 0, 0, 0))                                        \
    PROBE("reboot", syscall(SYS_reboot, 0, 0, 0, 0))                                                \
    PROBE("swapon", syscall(SYS_swapon, "/tmp/x", 0))                                               \
    PROBE("acct", syscall(SYS_acct, 0))                                                             \
    PROBE("quotactl", syscall(SYS_quotactl, 0x80000100, 0, 0, 0))                                   \
    PROBE("settimeofday", syscall(SYS_settimeofday, zeroes, 0))                                     \
    PROBE("clock_settime", syscall(SYS_clock_settime, 0, zeroes))                                   \
    PROBE("syslog", syscall(SYS_syslog, 3, buffer, 16))                                             \
    PROBE("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", zeroes, buffer, 0))    \
    PROBE("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, zeroes, 0))                 \
    PROBE("fanotify_init", syscall(SYS_fanotify_init, 0, 0))                                        \
    PROBE("mbind", syscall(SYS_mbind, 0, 0, 0, 0, 0, 0))                                            \
    PROBE("memfd_secret", syscall(447, 0))                                                          \
    PROBE("vmsplice", syscall(SYS_vmsplice, 1, &local, 1, 0))

static const char *const names[] = {
#define NAME(name, call) name,
    PROBES(NAME)
};
#define COUNT (sizeof names / sizeof *names)

static long run(const char *wanted) {
    errno = 0;
#define RUN(name, call) if (strcmp(wanted, name) == 0) return call;
    PROBES(RUN)
    fprintf(stderr, "no probe is called %s\n", wanted);
    exit(2);
}

static void run_all(void) {
    for (size_t i = 0; i < COUNT; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0) {
            long result = run(names[i]);
            printf("%s %ld %s\n", names[i], result, result < 0 ? strerrorname_np(errno) : "OK");
            exit(0);
        }
        int status;
        waitpid(pid, &status, 0);
        if (WIFSIGNALED(status)) printf("%s -1 %s\n", names[i], WTERMSIG(status) == SIGSYS ? "SIGSYS" : "SIGNAL");
    }
}

/* Each takes until it is refused, and prints how often it was not. */
static long take(const char *kind) {
    long taken = 0;
    for (;; taken++) {
        if (strcmp(kind, "memfd") == 0) {
            int fd = (int) syscall(SYS_memfd_create, "bomb", 0);
            if (fd < 0) return taken;
            for (int i = 0; i < 64; i++)
                if (write(fd, buffer, sizeof buffer) < 0) return taken;
        } else if (strcmp(kind, "inotify") == 0) {
            if (inotify_init() < 0) return taken;
        } else if (strcmp(kind, "pipe") == 0) {
            int ends[2];
            if (pipe2(ends, O_NONBLOCK) < 0) return taken;
            while (write(ends[1], buffer, sizeof buffer) > 0) {
            }
        } else if (strcmp(kind, "socket") == 0) {
            int ends[2];
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0) return taken;
            while (write(ends[1], buffer, sizeof buffer) > 0) {
            }
        } else if (strcmp(kind, "mmap") == 0) {
            char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (memory == MAP_FAILED) return taken;
            memset(memory, 1, 1 << 20);
        } else {
            exit(2);
        }
    }
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "bomb") == 0) {
        long taken = take(argv[2]);
        printf("%ld %s\n", taken, strerrorname_np(errno));
        return 0;
    }
    if (argc != 2) return 2;
    if (strcmp(argv[1], "all") == 0) {
        run_all();
        return 0;
    }
    long result = run(argv[1]);
    printf("%ld %s\n", result, result < 0 ? strerrorname_np(errno) : "OK");
    return 0;
}
