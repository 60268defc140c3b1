/*
 * Tests of the C code below JavaScript, as root. Built twice: plain, and with the address and undefined-behaviour
 * sanitizers. Whole sandboxes are tested in pool/linux-sandbox.itest.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "../seccomp/filters.h"
#include "../seccomp/newest.h"
#include "../src/channel.h"
#include "../src/clone.h"
#include "../src/landlock.h"
#include "../src/rights.h"
#include "../src/set.h"
#include "../src/steps.h"
#include "../src/template.h"
#include "../src/util.h"
#include "mayfly.h"
#include "test.h"

static char folder[] = "/tmp/mayfly-native-XXXXXX";

/* ---- util ---- */

static void files_are_read_and_written_whole(void) {
    scope_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(dir >= 0);
    close(openat(dir, "file", O_CREAT | O_WRONLY, 0600));
    CHECK(write_file_at(dir, "file", "hello") == 0);
    char text[4];
    CHECK(read_file_at(dir, "file", text, sizeof text) == 3 && strcmp(text, "hel") == 0);
    CHECK(write_file_at(dir, "missing", "x") == -ENOENT);
    CHECK(read_file_at(dir, "missing", text, sizeof text) == -ENOENT);
    unlinkat(dir, "file", 0);
}

static void reading_exactly_reports_the_end(void) {
    int fds[2];
    CHECK(pipe(fds) == 0);
    CHECK(write_exactly(fds[1], "ab", 2) == 0);
    close(fds[1]);
    char bytes[3];
    CHECK(read_exactly(fds[0], bytes, 3) == -EPIPE);
    close(fds[0]);
}

static void every_step_has_a_sentence(void) {
    for (uint32_t step = 0; step < MF_STEP_COUNT; step++) CHECK(mf_step_text(step) != NULL);
    CHECK(mf_step_text(MF_STEP_COUNT) == NULL);
}

/* ---- channel ---- */

static void a_request_arrives_with_its_descriptors(void) {
    int32_t pair[2];
    CHECK(mf_socketpair(pair) == 0);
    scope_fd int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int32_t sent_fds[2] = {file, pair[0]};
    struct mf_request sent = {.op = MF_OP_MOUNT, .id = 7, .tmp_bytes = 1ULL << 40}, received;
    CHECK(mf_send(pair[0], &sent, sent_fds, 2) == 0);
    int fds[MF_REQUEST_FDS_MAX];
    unsigned count;
    CHECK(receive_request(pair[1], &received, fds, &count) == 0);
    CHECK(count == 2 && memcmp(&sent, &received, sizeof sent) == 0);
    CHECK(fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
    close(fds[0]);
    close(fds[1]);
    close(pair[0]);
    CHECK(receive_request(pair[1], &received, fds, &count) == -EPIPE);
    close(pair[1]);
}

static void requests_that_follow_each_other_keep_their_own_descriptors(void) {
    int32_t pair[2];
    CHECK(mf_socketpair(pair) == 0);
    scope_fd int file = open("/dev/null", O_RDWR | O_CLOEXEC);
    int32_t one[1] = {file};
    struct mf_request first = {.op = 1, .id = 1}, second = {.op = 2, .id = 2}, received;
    CHECK(mf_send(pair[0], &first, NULL, 0) == 0 && mf_send(pair[0], &second, one, 1) == 0);
    int fds[MF_REQUEST_FDS_MAX];
    unsigned count;
    CHECK(receive_request(pair[1], &received, fds, &count) == 0 && received.id == 1 && count == 0);
    CHECK(receive_request(pair[1], &received, fds, &count) == 0 && received.id == 2 && count == 1);
    close(fds[0]);
    close(pair[0]);
    close(pair[1]);
}

static void too_many_descriptors_and_a_full_socket_are_refused(void) {
    int32_t pair[2], none[MF_REQUEST_FDS_MAX + 1];
    memset(none, 0, sizeof none);
    CHECK(mf_socketpair(pair) == 0);
    struct mf_request request = {.op = 1};
    CHECK(mf_send(pair[0], &request, none, MF_REQUEST_FDS_MAX + 1) == -EINVAL);
    int result = 0;
    for (int i = 0; i < 100000 && result == 0; i++) result = mf_send(pair[0], &request, NULL, 0);
    CHECK(result == -EAGAIN);
    close(pair[1]);
    CHECK(mf_send(pair[0], &request, NULL, 0) == -EPIPE);
    close(pair[0]);
}

static void an_empty_pipe_is_not_waited_for(void) {
    int32_t fds[2];
    CHECK(mf_log_pipe(fds) == 0);
    char bytes[8];
    CHECK(mf_read_available(fds[0], bytes, sizeof bytes) == -EAGAIN);
    CHECK(write(fds[1], "abc", 3) == 3 && mf_read_available(fds[0], bytes, sizeof bytes) == 3);
    close(fds[1]);
    CHECK(mf_read_available(fds[0], bytes, sizeof bytes) == 0);
    close(fds[0]);
}

/* ---- clone and probe ---- */

static int shared_by_vfork;

static __attribute__((noinline)) pid_t vfork_child(void) {
    struct clone_args args = {.flags = CLONE_VM | CLONE_VFORK};
    volatile char frame[4096];
    memset((void *) frame, 1, sizeof frame);
    pid_t pid = clone3_vfork(&args, sizeof args);
    if (pid == 0) {
        shared_by_vfork = 42;
        memset((void *) frame, 2, sizeof frame);
        _exit(0);
    }
    return pid;
}

static void a_vforked_child_shares_memory_and_its_parent_returns(void) {
    shared_by_vfork = 0;
    pid_t pid = vfork_child();
    CHECK(pid > 0 && shared_by_vfork == 42);
    CHECK(waitpid(pid, NULL, __WALL) == pid);
}

static void every_feature_is_found_and_an_unknown_one_refused(void) {
    for (int feature = MF_PROBE_CLONE3; feature <= MF_PROBE_USER_NAMESPACE; feature++) CHECK(mf_probe(feature) == 0);
    CHECK(mf_probe(99) == -EINVAL);
    CHECK(mf_probe_clone_into_cgroup(-1) < 0);
    CHECK(mf_heap_limit(1 << 20) == -ENOSYS);
}

/* ---- cgroups and a set ---- */

/* The cgroup v2 folder of this process, for a test's own below it. */
static int open_unified(void) {
    char text[4096] = "", path[8192];
    scope_fd int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (read_file_at(proc, "cgroup", text, sizeof text) < 0) return -1;
    char *own = strstr(text, "0::/");
    if (own == NULL) return -1;
    own[strcspn(own, "\n")] = '\0';
    bool hybrid = access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup%s%s", hybrid ? "/unified" : "", own + 3);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* In a child of its own: a template changes the mount namespace for good. */
static int in_child(int (*run)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) _exit(run());
    int status = -1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define EXPECT(condition)                                                       \
    do {                                                                        \
        if (!(condition)) {                                                     \
            printf("  %s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
            fflush(stdout);                                                     \
            return 1;                                                           \
        }                                                                       \
    } while (0)

static void make_root(void) {
    static const char *const folders[] = {"dev", "proc", "tmp", "opt", "var", "var/task"};
    char path[256];
    for (unsigned i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, folders[i]);
        mkdir(path, 0755);
    }
}

static int template_holds_two_mounts(void) {
    scope_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    uint32_t step;
    EXPECT(template_enter(folder, &step) == 0);
    char mounts[4096];
    EXPECT(read_file_at(proc, "self/mountinfo", mounts, sizeof mounts) > 0);
    int lines = 0;
    for (char *c = mounts; *c != '\0'; c++) lines += *c == '\n';
    EXPECT(lines == 2);
    EXPECT(open("/file", O_CREAT | O_WRONLY, 0600) < 0 && errno == EROFS);
    scope_fd int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    EXPECT(null >= 0 && write(null, "x", 1) == 1);
    return 0;
}

static void the_template_is_a_read_only_root_and_a_dev(void) {
    CHECK(in_child(template_holds_two_mounts) == 0);
}

static int a_set_lives_and_dies(void) {
    scope_fd int unified = open_unified();
    scope_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct mf_cgroup base = {unified, -1, -1, -1, -1};
    EXPECT(mkdirat(unified, "mayfly-native-test", 0755) == 0);
    scope_fd int cgroup = openat(unified, "mayfly-native-test", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct mf_cgroup made = {cgroup, -1, -1, -1, -1};
    uint32_t step = 0;
    int result = template_enter(folder, &step);
    EXPECT(result == 0);
    struct mf_set set;
    result = set_create(&cgroup, 1, 1879113728, proc, &set, &step);
    if (result < 0) printf("  %s: %s\n", mf_step_text(step), strerror(-result));
    EXPECT(result == 0);
    EXPECT(mf_cgroup_populated(&made) == 1);

    char name[64], text[4096];
    snprintf(name, sizeof name, "%d/status", set.pid);
    EXPECT(read_file_at(proc, name, text, sizeof text) > 0);
    EXPECT(strstr(text, "Uid:\t1879113728\t") != NULL);
    EXPECT(strstr(text, "CapBnd:\t0000000000000000") != NULL && strstr(text, "CapInh:\t0000000000000000") != NULL);
    EXPECT(strstr(text, "CapPrm:\t0000000000000020") != NULL); /* CAP_KILL */
    EXPECT(strstr(text, "NoNewPrivs:\t1") != NULL);
    EXPECT(strstr(text, "NStgid:\t") != NULL);

    EXPECT(mf_cgroup_kill(&made) == 0);
    char byte;
    EXPECT(read(set.report, &byte, 1) <= 0); /* its end, without a report of a main process */
    EXPECT(waitpid(set.pid, NULL, 0) == set.pid);
    close(set.pidfd);
    close(set.report);
    for (int i = 0; i < 100 && mf_cgroup_populated(&made) != 0; i++) usleep(1000);
    EXPECT(mf_cgroup_remove(&base, "mayfly-native-test") == 0);
    return 0;
}

static void a_set_is_made_without_rights_and_killed_through_its_cgroup(void) {
    CHECK(in_child(a_set_lives_and_dies) == 0);
}

static int a_set_fails_without_its_root(void) {
    scope_fd int unified = open_unified();
    scope_fd int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    EXPECT(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    EXPECT(mount("none", "/dev", "tmpfs", 0, NULL) == 0); /* in which there is no shm */
    struct mf_set set;
    uint32_t step = MF_STEP_NONE;
    int result = set_create(&unified, 1, 1879113728, proc, &set, &step);
    EXPECT(result == -ENOENT && step == MF_STEP_SET_SHM);
    EXPECT(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD); /* nothing is left to reap */
    return 0;
}

static void a_set_that_fails_says_at_which_step_and_leaves_nothing(void) {
    CHECK(in_child(a_set_fails_without_its_root) == 0);
}

static int rights_go(void) {
    EXPECT(drop_bounding_set() == 0 && become(65534) == 0 && drop_capabilities(0) == 0);
    char text[4096];
    scope_fd int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    EXPECT(read_file_at(proc, "status", text, sizeof text) > 0);
    EXPECT(strstr(text, "CapPrm:\t0000000000000000") != NULL && strstr(text, "CapBnd:\t0000000000000000") != NULL);
    EXPECT(setresuid(0, 0, 0) < 0);
    return 0;
}

static void rights_that_were_given_up_are_gone(void) {
    CHECK(in_child(rights_go) == 0);
}

/* The kernel's answer for `kind` of the domain's outside: the parent, and an abstract socket of the parent's. */
static int a_domain_ends_at_its_children(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0mayfly-native-test"};
    scope_fd int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT(bind(listener, (struct sockaddr *) &name, sizeof name) == 0 && listen(listener, 1) == 0);
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && isolate_by_landlock() == 0);
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(EXIT_FAILURE);
    }
    EXPECT(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    if (abi >= 6) EXPECT(kill(getppid(), 0) < 0 && errno == EPERM);
    else EXPECT(kill(getppid(), 0) == 0);
    scope_fd int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int connected = connect(client, (struct sockaddr *) &name, sizeof name);
    if (abi >= 6) EXPECT(connected < 0 && errno == EPERM);
    else EXPECT(connected == 0);
    return 0;
}

static void a_landlock_domain_ends_at_its_own_children(void) {
    CHECK(in_child(a_domain_ends_at_its_children) == 0);
}

/* ---- the system call filter ---- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#define FOREIGN_ARCH AUDIT_ARCH_I386
#else
#define ARCH AUDIT_ARCH_AARCH64
#define FOREIGN_ARCH AUDIT_ARCH_ARM
#endif

#define REFUSED(number) (SECCOMP_RET_ERRNO | (number))

/* Runs the filter as the kernel would: the instructions that seccomp(2) allows and libseccomp makes. */
static uint32_t judge(const struct seccomp_data *data) {
    uint32_t a = 0;
    for (size_t i = 0; i < sizeof system_call_filter / sizeof *system_call_filter; i++) {
        const struct sock_filter *op = &system_call_filter[i];
        switch (op->code) {
        case BPF_LD | BPF_W | BPF_ABS: memcpy(&a, (const char *) data + op->k, sizeof a); break;
        case BPF_ALU | BPF_AND | BPF_K: a &= op->k; break;
        case BPF_JMP | BPF_JA: i += op->k; break;
        case BPF_JMP | BPF_JEQ | BPF_K: i += a == op->k ? op->jt : op->jf; break;
        case BPF_JMP | BPF_JGT | BPF_K: i += a > op->k ? op->jt : op->jf; break;
        case BPF_JMP | BPF_JGE | BPF_K: i += a >= op->k ? op->jt : op->jf; break;
        case BPF_RET | BPF_K: return op->k;
        default: return ~0U;
        }
    }
    return ~0U;
}

static uint32_t judge_call(int number, uint64_t first, uint64_t second, uint64_t third) {
    struct seccomp_data data = {.nr = number, .arch = ARCH, .args = {first, second, third}};
    return judge(&data);
}

#if defined(__x86_64__)
/* What policy.def says of a call whose arguments are all 0; UINT32_MAX: it depends on more than that. */
static uint32_t policy_of(int number) {
    switch (number) {
#define GROUP(title)
#define ALLOW(call, why) case SYS_##call: return SECCOMP_RET_ALLOW;
#define WHEN(call, condition, why) case SYS_##call: return UINT32_MAX;
#define ANSWER(call, error, why) case SYS_##call: return REFUSED(error);
#include "../seccomp/policy.def"
    default: return REFUSED(EPERM);
    }
}

static void the_filter_is_its_policy_call_by_call(void) {
    int allowed = 0, refused = 0, conditional = 0;
    for (int number = 0; number <= NEWEST; number++) {
        uint32_t expected = policy_of(number);
        if (expected == UINT32_MAX) conditional++;
        else if (expected == SECCOMP_RET_ALLOW) allowed++;
        else refused++;
        if (expected != UINT32_MAX) CHECK(judge_call(number, 0, 0, 0) == expected);
    }
    CHECK(allowed > 250 && refused > 90 && conditional == 8);
}
#endif

static void the_filter_refuses_newer_calls_and_foreign_architectures(void) {
    CHECK(judge_call(NEWEST + 1, 0, 0, 0) == REFUSED(ENOSYS));
    CHECK(judge_call(-1, 0, 0, 0) == REFUSED(ENOSYS));
    struct seccomp_data foreign = {.nr = 4, .arch = FOREIGN_ARCH};
    CHECK(judge(&foreign) == SECCOMP_RET_KILL_PROCESS);
    CHECK(judge_call(0x40000000 | 1, 0, 0, 0) != SECCOMP_RET_ALLOW); /* x32 */
}

static void the_filter_looks_at_arguments(void) {
    uint64_t high = 1ULL << 32; /* what the kernel does not look at must not decide */
    CHECK(judge_call(SYS_clone, SIGCHLD, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_clone, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FILES, 0, 0) == SECCOMP_RET_ALLOW);
    static const uint64_t kinds[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                     CLONE_NEWUSER, CLONE_NEWPID,   CLONE_NEWNET};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CHECK(judge_call(SYS_clone, kinds[i] | SIGCHLD, 0, 0) == REFUSED(EPERM));

    CHECK(judge_call(SYS_socket, AF_UNIX, SOCK_STREAM, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_socket, AF_INET, SOCK_STREAM, 6) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_socket, AF_INET6, SOCK_DGRAM, 17) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_socket, AF_INET, SOCK_STREAM, 132 /* SCTP */) == REFUSED(EPERM));
    CHECK(judge_call(SYS_socket, AF_INET, SOCK_STREAM, 262 /* MPTCP */) == REFUSED(EPERM));
    for (uint64_t family = 0; family < 64; family++)
        if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
            CHECK(judge_call(SYS_socket, family, SOCK_RAW, 0) == REFUSED(EAFNOSUPPORT));
    CHECK(judge_call(SYS_socket, high | AF_NETLINK, SOCK_RAW, 0) == REFUSED(EAFNOSUPPORT));
    CHECK(judge_call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_socketpair, 30 /* TIPC */, SOCK_STREAM, 0) == REFUSED(EAFNOSUPPORT));

    CHECK(judge_call(SYS_ioctl, 0, 0x541b /* FIONREAD */, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, 0) == REFUSED(EPERM));
    CHECK(judge_call(SYS_ioctl, 0, high | 0x5412, 0) == REFUSED(EPERM));
    CHECK(judge_call(SYS_prctl, PR_SET_NAME, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_prctl, PR_SET_MM, 0, 0) == REFUSED(EPERM));
    CHECK(judge_call(SYS_personality, 0xffffffff, 0, 0) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */, 0, 0) == REFUSED(EPERM));
    CHECK(judge_call(SYS_mknodat, 0, 0, S_IFIFO | 0600) == SECCOMP_RET_ALLOW);
    CHECK(judge_call(SYS_mknodat, 0, 0, S_IFCHR | 0600) == REFUSED(EPERM));
}

static void a_cgroup_that_cannot_be_made_leaves_nothing(void) {
    scope_fd int unified = open_unified();
    CHECK(unified >= 0);
    scope_fd int not_a_cgroup = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(mkdirat(not_a_cgroup, "mayfly-half", 0755) == 0);
    struct mf_cgroup base = {unified, not_a_cgroup, -1, -1, -1}, made;
    CHECK(mf_cgroup_create(&base, "mayfly-half", &made) == -EEXIST);
    CHECK(faccessat(unified, "mayfly-half", F_OK, 0) < 0 && errno == ENOENT);
}

/* ---- mounts ---- */

static void layers_are_merged_and_the_last_lies_above(void) {
    const char *folders[MF_LAYERS_MAX + 1] = {"/proc", "/sys"};
    CHECK(mf_layers_mount(folders, 0) == -EINVAL && mf_layers_mount(folders, MF_LAYERS_MAX + 1) == -EINVAL);
    folders[1] = "/nowhere/layer";
    CHECK(mf_layers_mount(folders, 2) == -ENOENT);

    scope_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char low[64], high[64], text[8];
    snprintf(low, sizeof low, "%s/low", folder);
    snprintf(high, sizeof high, "%s/high:,\\", folder); /* what overlayfs's own options would have to escape */
    CHECK(mkdir(low, 0755) == 0 && mkdir(high, 0755) == 0);
    static const char *const files[][2] = {{"low/both", "low"}, {"low/one", "one"}, {"high:,\\/both", "high"}};
    for (unsigned i = 0; i < 3; i++) {
        close(openat(dir, files[i][0], O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        CHECK(write_file_at(dir, files[i][0], files[i][1]) == 0);
    }
    folders[0] = low;
    folders[1] = high;
    scope_fd int mount = mf_layers_mount(folders, 2);
    CHECK(mount >= 0);
    CHECK(read_file_at(mount, "both", text, sizeof text) == 4 && strcmp(text, "high") == 0);
    CHECK(read_file_at(mount, "one", text, sizeof text) == 3 && strcmp(text, "one") == 0);
    CHECK(openat(mount, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0644) < 0 && errno == EROFS);
}

static void mount_points_have_their_names_and_nothing_can_be_added(void) {
    const char *names[] = {"b", "a"};
    int32_t fds[MF_VOLUMES_MAX + 1];
    CHECK(mf_mount_points(names, 0, fds) == -EINVAL && mf_mount_points(names, MF_VOLUMES_MAX + 1, fds) == -EINVAL);
    const char *twice[] = {"a", "a"};
    CHECK(mf_mount_points(twice, 2, fds) == -EEXIST);
    CHECK(mf_mount_points(names, 2, fds) == 0);
    struct stat point, named;
    CHECK(fstat(fds[1], &point) == 0 && fstatat(fds[0], "b", &named, 0) == 0 && point.st_ino == named.st_ino);
    CHECK(mkdirat(fds[0], "c", 0755) < 0 && errno == EROFS);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
        close(fds[i]);
    }
}

int main(void) {
    if (geteuid() != 0) {
        puts("the native tests need root: run them with sudo");
        return 1;
    }
    if (mkdtemp(folder) == NULL) return 1;
    make_root();
    RUN("files are read and written whole", files_are_read_and_written_whole);
    RUN("reading exactly reports the end", reading_exactly_reports_the_end);
    RUN("every step has a sentence", every_step_has_a_sentence);
    RUN("a request arrives with its descriptors", a_request_arrives_with_its_descriptors);
    RUN("requests that follow each other keep their own descriptors",
        requests_that_follow_each_other_keep_their_own_descriptors);
    RUN("too many descriptors and a full socket are refused", too_many_descriptors_and_a_full_socket_are_refused);
    RUN("an empty pipe is not waited for", an_empty_pipe_is_not_waited_for);
    RUN("a vforked child shares memory and its parent returns", a_vforked_child_shares_memory_and_its_parent_returns);
    RUN("every feature is found and an unknown one refused", every_feature_is_found_and_an_unknown_one_refused);
    RUN("a cgroup that cannot be made leaves nothing", a_cgroup_that_cannot_be_made_leaves_nothing);
    RUN("the template is a read-only root and a /dev, and nothing else", the_template_is_a_read_only_root_and_a_dev);
    RUN("a set is made without rights and killed through its cgroup",
        a_set_is_made_without_rights_and_killed_through_its_cgroup);
    RUN("a set that fails says at which step and leaves nothing",
        a_set_that_fails_says_at_which_step_and_leaves_nothing);
    RUN("layers are merged and the last lies above", layers_are_merged_and_the_last_lies_above);
    RUN("mount points have their names and nothing can be added",
        mount_points_have_their_names_and_nothing_can_be_added);
    RUN("rights that were given up are gone", rights_that_were_given_up_are_gone);
    RUN("a Landlock domain ends at its own children", a_landlock_domain_ends_at_its_own_children);
#if defined(__x86_64__)
    RUN("the filter is its policy, call by call", the_filter_is_its_policy_call_by_call);
#endif
    RUN("the filter refuses newer calls and foreign architectures",
        the_filter_refuses_newer_calls_and_foreign_architectures);
    RUN("the filter looks at arguments", the_filter_looks_at_arguments);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) return 1;
    FINISH();
}
