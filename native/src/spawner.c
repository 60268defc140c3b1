/*
 * mayfly-spawner: makes the namespace sets of one runtime.
 *
 *   mayfly-spawner ROOT CONTROL_FD MOUNT_FD ZYGOTE_ARGC ZYGOTE_ARGV... RUNNER_ARGV...
 *
 * A tiny, static, single-threaded program that the worker starts once a runtime, because cloning the worker itself
 * (large, many threads) is slow and unsafe. It lives in the runtime's template mount namespace, so that a clone of
 * itself starts from there, and sees nothing of the host but the descriptors it was given. It serves one request
 * after the other on CONTROL_FD (struct mf_request), forks the mounter that serves MOUNT_FD, and ends, with all
 * that it made, when the worker closes CONTROL_FD or dies.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "channel.h"
#include "clone.h"
#include "join.h"
#include "mounter.h"
#include "set.h"
#include "steps.h"
#include "template.h"
#include "util.h"

/* One for every range of ids that Mayfly may use (contract/host-ids.ts), and some. */
#define SETS_MAX 4096

static struct {
    int control;
    int proc;              /* the host's /proc, which the template does not have */
    int own_pid_namespace; /* to return to after a child was cloned into a set's */
    int epoll;
    pid_t zygote;          /* the last one started */
    char **zygote_argv;
    char **runner_argv;
    struct mf_set sets[SETS_MAX]; /* pid 0: free */
} spawner;

static struct mf_set *find_set(pid_t pid) {
    for (unsigned i = 0; i < SETS_MAX; i++)
        if (spawner.sets[i].pid == pid) return &spawner.sets[i];
    return NULL;
}

/* MF_OP_CREATE_SET. The pid, or -errno. */
static int create_set(const struct mf_request *request, const int *fds, unsigned count, uint32_t *ret_step) {
    struct mf_set *set = find_set(0);
    *ret_step = MF_STEP_SET_TABLE;
    if (set == NULL) return -EMFILE;
    struct mf_set made;
    int result = set_create(fds, count, request->uid_base, spawner.proc, &made, ret_step);
    if (result < 0) return result;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = set};
    if (epoll_ctl(spawner.epoll, EPOLL_CTL_ADD, made.pidfd, &event) < 0) {
        result = -errno;
        *ret_step = MF_STEP_SET_TABLE;
        kill(made.pid, SIGKILL);
        waitpid(made.pid, NULL, 0);
        close(made.pidfd);
        close(made.report);
        return result;
    }
    *set = made;
    return made.pid;
}

/*
 * PID 1 is dead, and the kernel has ended every other process of its pid namespace before. PID 1 stays a zombie
 * until the worker releases it, so that the pid stays the set's while the worker may still use it.
 */
static int set_ended(struct mf_set *set) {
    struct mf_report report;
    int status = -1;
    if (read(set->report, &report, sizeof report) == sizeof report && report.kind == MF_REPORT_MAIN_ENDED)
        status = report.value;
    epoll_ctl(spawner.epoll, EPOLL_CTL_DEL, set->pidfd, NULL);
    close(set->pidfd);
    close(set->report);
    set->pidfd = set->report = -1;
    struct mf_reply ended = {.op = MF_EVENT_SET_ENDED, .pid = (uint32_t) set->pid, .result = status};
    return send_reply(spawner.control, &ended);
}

/* MF_OP_RELEASE_SET, after MF_EVENT_SET_ENDED. */
static void release_set(pid_t pid) {
    struct mf_set *set = pid > 0 ? find_set(pid) : NULL;
    if (set == NULL || set->pidfd >= 0) return;
    waitpid(pid, NULL, 0);
    set->pid = 0;
}

/* Executes with both descriptors at the numbers of mayfly.h. Returns only on failure: -errno. */
static int execute(char **argv, int control, int gate) {
    /* On exec, not now: a pipe that reports a failure stays open until there can be none. */
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0) return -errno;
    /* Both numbers are taken here (main()), so that neither `control` nor `gate` is one of them. */
    if (dup2(control, MF_CONTROL_FD) < 0 || dup2(gate, MF_GATE_FD) < 0) return -errno;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(argv[0], argv);
    return -errno;
}

/* MF_OP_EXEC: a runtime that is executed instead of forked. */
static int exec_runner(const struct mf_request *request, const int *fds, unsigned count, uint32_t *ret_step) {
    struct join join = {fds, count, request->uid_base, spawner.own_pid_namespace, NULL, 0}; /* exec closes ours */
    int result = join_fork(&join, ret_step);
    if (result != 1) return result;
    uint32_t step;
    result = join_give_up_rights(&join, &step);
    if (result < 0) join_fail(&join, step, result);
    result = execute(spawner.runner_argv, fds[MF_JOIN_CONTROL], fds[MF_JOIN_GATE]);
    join_fail(&join, MF_STEP_JOIN_EXEC, result);
}

/* The zygote's own mount namespace: the template plus a /proc, which the sets must not inherit. */
static _Noreturn void zygote_main(int socket, int failure) {
    int32_t report[2] = {MF_STEP_ZYGOTE_PROC, 0};
    /* A zygote has no gate; what it forks has, at this number. */
    int no_gate = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (no_gate < 0 || mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0) {
        report[1] = -errno;
    } else {
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        report[0] = MF_STEP_ZYGOTE_EXEC;
        report[1] = execute(spawner.zygote_argv, socket, no_gate);
    }
    write_exactly(failure, report, sizeof report);
    _exit(EXIT_FAILURE);
}

/* MF_OP_START_ZYGOTE. Its pid, or -errno. */
static int start_zygote(int socket, uint32_t *ret_step) {
    int ends[2];
    *ret_step = MF_STEP_ZYGOTE_CLONE;
    if (spawner.zygote > 0) waitpid(spawner.zygote, NULL, WNOHANG); /* its predecessor has ended, or will soon */
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    scope_fd int reader = ends[0], writer = ends[1];
    struct clone_args args = {.flags = CLONE_NEWNS, .exit_signal = SIGCHLD};
    pid_t pid = clone3_fork(&args);
    if (pid < 0) return pid;
    if (pid == 0) zygote_main(socket, writer);
    close(steal_fd(&writer));
    int32_t report[2];
    if (read_exactly(reader, report, sizeof report) < 0) {
        spawner.zygote = pid; /* closed by exec: it runs */
        return pid;
    }
    waitpid(pid, NULL, 0);
    *ret_step = (uint32_t) report[0];
    return report[1];
}

/* One request from the worker. 0, or -errno when the worker is gone. */
static int serve_request(void) {
    struct mf_request request;
    int fds[MF_REQUEST_FDS_MAX];
    unsigned count = 0;
    int result = receive_request(spawner.control, &request, fds, &count);
    if (result < 0) return result;
    struct mf_reply reply = {.op = request.op, .id = request.id, .step = MF_STEP_REQUEST, .result = -EBADMSG};
    if (request.op == MF_OP_CREATE_SET && count >= 1) {
        reply.result = create_set(&request, fds, count, &reply.step);
        if (reply.result > 0) reply.pid = (uint32_t) reply.result;
    } else if (request.op == MF_OP_EXEC && count > MF_JOIN_CGROUP) {
        reply.result = exec_runner(&request, fds, count, &reply.step);
    } else if (request.op == MF_OP_START_ZYGOTE && count == 1) {
        reply.result = start_zygote(fds[0], &reply.step);
    } else if (request.op == MF_OP_RELEASE_SET) {
        release_set((pid_t) request.pid);
    }
    for (unsigned i = 0; i < count; i++) close(fds[i]);
    return request.op == MF_OP_RELEASE_SET ? 0 : send_reply(spawner.control, &reply);
}

static int serve(void) {
    struct epoll_event control = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(spawner.epoll, EPOLL_CTL_ADD, spawner.control, &control) < 0) return -errno;
    for (;;) {
        struct epoll_event events[16];
        int count = epoll_wait(spawner.epoll, events, 16, -1);
        if (count < 0 && errno != EINTR) return -errno;
        for (int i = 0; i < count; i++) {
            int result = events[i].data.ptr == NULL ? serve_request() : set_ended(events[i].data.ptr);
            if (result < 0) return result;
        }
    }
}

static void start_mounter(int socket, int home) {
    pid_t pid = fork();
    if (pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "mayfly-mounter", 0, 0, 0);
    mounter_serve(socket, home, spawner.proc);
}

static int complain(const char *what, uint32_t step, int result) {
    fprintf(stderr, "mayfly-spawner: %s: %s: %s\n", what, mf_step_text(step), strerror(-result));
    return EXIT_FAILURE;
}

int main(int argc, char **argv) {
    if (argc < 7) {
        fputs("mayfly-spawner is started by Mayfly's worker, not by hand\n", stderr);
        return EXIT_FAILURE;
    }
    int zygote_argc = atoi(argv[4]);
    spawner.control = atoi(argv[2]);
    int mount_socket = atoi(argv[3]);
    /* The zygote's arguments end where the runner's begin; a NULL of its own ends the list for exec. */
    spawner.runner_argv = argv + 5 + zygote_argc;
    spawner.zygote_argv = calloc((size_t) zygote_argc + 1, sizeof(char *));
    if (spawner.zygote_argv == NULL) return EXIT_FAILURE;
    memcpy(spawner.zygote_argv, argv + 5, (size_t) zygote_argc * sizeof(char *));

    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    /* A Ctrl-C at the terminal is for the launcher, which ends everything in order. */
    setsid();
    signal(SIGPIPE, SIG_IGN); /* a PID 1 that dies is an error to report, not our end */
    setgroups(0, NULL);
    umask(022);
    close_range(5, ~0U, 0); /* whatever the worker was started with */
    spawner.proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    spawner.own_pid_namespace = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    spawner.epoll = epoll_create1(EPOLL_CLOEXEC);
    uint32_t step = MF_STEP_TEMPLATE_UNSHARE;
    if (spawner.proc < 0 || spawner.own_pid_namespace < 0 || spawner.epoll < 0) return complain("start", step, -errno);
    int result = template_enter(argv[1], &step);
    if (result < 0) return complain(argv[1], step, result);
    scope_fd int home = openat(spawner.proc, "self/ns/mnt", O_RDONLY | O_CLOEXEC);
    if (home < 0) return complain("start", step, -errno);
    start_mounter(mount_socket, home);
    /* CONTROL_FD and MOUNT_FD are 3 and 4, and stay taken: execute() wants these numbers for others. */
    scope_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup3(null, mount_socket, O_CLOEXEC) < 0) return complain("start", step, -errno);

    struct mf_reply hello = {.op = MF_EVENT_HELLO};
    result = send_reply(spawner.control, &hello);
    if (result == 0) result = serve();
    /* Closed, or closed with requests of ours unread: the worker is gone, and we go too. */
    return result == -EPIPE || result == -ECONNRESET ? EXIT_SUCCESS : complain("serve", MF_STEP_REQUEST, result);
}
