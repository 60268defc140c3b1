/*
 * Runs a command once for each byte on stdin and says how long it took. A large Node.js process would start commands
 * more slowly than this does, and that would count against the contenders. Built and started by
 * loadtest/bench/timed-command.ts.
 *
 *   timed-exec COMMAND ARGUMENTS...
 *
 * On stdout a line for each run: nanoseconds until the first line of its output (-1: none came), nanoseconds until its
 * end, its exit code (128 and the signal, if one ended it), and that first line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static _Noreturn void fail(const char *what, int error) {
    fprintf(stderr, "%s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* posix_spawn() uses vfork: its cost does not depend on who calls. */
static pid_t start(char **argv, int output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    pid_t pid;
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    if (error != 0) fail(argv[0], error);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static void run(char **argv) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) fail("pipe2", errno);
    char line[512];
    size_t length = 0;
    int64_t answer_ns = -1;
    uint64_t begin = now_ns();
    pid_t pid = start(argv, ends[1]);
    close(ends[1]);
    for (;;) {
        char chunk[512];
        ssize_t got = read(ends[0], chunk, sizeof chunk);
        if (got <= 0) break;
        for (ssize_t i = 0; i < got && answer_ns < 0; i++) {
            if (chunk[i] == '\n') answer_ns = (int64_t) (now_ns() - begin);
            else if (length < sizeof line - 1) line[length++] = chunk[i];
        }
    }
    int status;
    if (waitpid(pid, &status, 0) < 0) fail("waitpid", errno);
    uint64_t end_ns = now_ns() - begin;
    close(ends[0]);
    line[length] = '\0';
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    printf("%lld %llu %d %s\n", (long long) answer_ns, (unsigned long long) end_ns, code, line);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("usage: timed-exec COMMAND ARGUMENTS...\n", stderr);
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) run(argv + 1);
    return EXIT_SUCCESS;
}
