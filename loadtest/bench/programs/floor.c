/*
 * The least that a fresh sandbox costs: clone3 into new namespaces, and the process's end, without a layer of ours.
 * No control group, no user map, no /proc, no seccomp, no messages. Built and started by loadtest/bench/floor.ts.
 *
 *   floor ROOT cycle           for each byte on stdin: clone, exec of /noop, wait; its nanoseconds on stdout
 *   floor ROOT rate SECONDS    clone, kill, wait, as often as it goes; the count on stdout
 *
 * The clones' root is ROOT, bound into a mount namespace that has nothing else: cloning a mount namespace costs by the
 * mount, and the host's would make the floor higher than it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Those of a sandbox (native/README.md). */
#define NAMESPACES                                                                                                     \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWUSER | CLONE_NEWCGROUP)
#define NOOP_EXIT_CODE 42

static _Noreturn void fail(const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static void enter_root(const char *root) {
    if (unshare(CLONE_NEWNS) < 0) fail("unshare");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) fail("mount, private");
    if (mount(root, root, NULL, MS_BIND, NULL) < 0 || chdir(root) < 0) fail("mount, bind");
    /* pivot_root(2), "pivot_root(".", ".")". */
    if (syscall(SYS_pivot_root, ".", ".") < 0) fail("pivot_root");
    if (umount2(".", MNT_DETACH) < 0) fail("umount2");
}

static pid_t clone_child(void) {
    struct clone_args args = {.flags = NAMESPACES, .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0) fail("clone3");
    return (pid_t) pid;
}

static int wait_for(pid_t pid) {
    int status;
    if (waitpid(pid, &status, 0) < 0) fail("waitpid");
    return status;
}

static void cycles(void) {
    char *const argv[] = {(char *) "/noop", NULL}, *const environment[] = {NULL};
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
        uint64_t start = now_ns();
        pid_t pid = clone_child();
        if (pid == 0) {
            execve(argv[0], argv, environment);
            _exit(EXIT_FAILURE);
        }
        int status = wait_for(pid);
        uint64_t took = now_ns() - start;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != NOOP_EXIT_CODE) fail("/noop did not run");
        printf("%llu\n", (unsigned long long) took);
        fflush(stdout);
    }
}

static void rate(double seconds) {
    uint64_t end = now_ns() + (uint64_t) (seconds * 1e9);
    unsigned long count = 0;
    while (now_ns() < end) {
        pid_t pid = clone_child();
        if (pid == 0)
            for (;;) pause();
        if (kill(pid, SIGKILL) < 0) fail("kill");
        wait_for(pid);
        count++;
    }
    printf("%lu\n", count);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fputs("usage: floor ROOT cycle | floor ROOT rate SECONDS\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    enter_root(argv[1]);
    if (strcmp(argv[2], "cycle") == 0) cycles();
    else rate(argc > 3 ? atof(argv[3]) : 1);
    return EXIT_SUCCESS;
}
