/*
 * Forking a warm Node.js. The zygote's main thread stands in mf_zygote_serve(), called from JavaScript; each
 * forked process returns from that call and goes on with the JavaScript after it.
 *
 * Official builds of Node.js mark V8's pages MADV_DONTFORK, so that a plain fork dies at its first bytecode; that
 * is undone for all private mappings once, before serving. Started with --single-threaded the process has no
 * other thread whose absence the child would feel.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "channel.h"
#include "join.h"
#include "mayfly.h"
#include "steps.h"
#include "util.h"

/* A warm Node.js has some twenty. */
#define PRIVATE_FDS_MAX 256

/* libuv's, exported by the node binary; absent where this library is loaded by something else. */
typedef struct uv_loop_s uv_loop_t;
extern uv_loop_t *uv_default_loop(void) __attribute__((weak));
extern int uv_loop_fork(uv_loop_t *loop) __attribute__((weak));

/* Undoes MADV_DONTFORK on one line of /proc/self/maps, "from-to perms ...". Special mappings refuse; they may. */
static void allow_fork(const char *line) {
    char *end;
    unsigned long from = strtoul(line, &end, 16);
    unsigned long to = strtoul(end + 1, &end, 16);
    bool is_private = end[4] == 'p';
    if (is_private && to > from) madvise((void *) from, to - from, MADV_DOFORK);
}

static int allow_fork_everywhere(void) {
    scope_fd int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    static char text[1 << 20];
    size_t length = 0;
    ssize_t n;
    while (length < sizeof text - 1 && (n = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t) n;
    if (length == sizeof text - 1) return -E2BIG;
    text[length] = '\0';
    for (const char *line = text; *line != '\0';) {
        allow_fork(line);
        const char *end = strchr(line, '\n');
        if (end == NULL) break;
        line = end + 1;
    }
    return 0;
}

/* Every descriptor that this process has now, but the standard ones. How many, or -errno. */
static int list_descriptors(int *ret_fds, unsigned max) {
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL) return -errno;
    unsigned count = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL && count < max;) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fd != dirfd(folder)) ret_fds[count++] = fd;
    }
    closedir(folder);
    return count < max ? (int) count : -E2BIG;
}

/*
 * Uses up what is free between the zygote's own allocations: memory that a forked process allocates then lies
 * together at the end, on new pages, instead of in a hundred old ones that must each be copied first.
 */
static void fill_heap_gaps(void) {
    for (size_t size = 1 << 16; size >= 16; size /= 2) {
        for (;;) {
            size_t before = mallinfo2().keepcost;
            void *gap = malloc(size);
            if (gap == NULL) return;
            if (mallinfo2().keepcost == before) continue;
            free(gap); /* from the end: there is no gap of this size */
            break;
        }
    }
}

static void close_request(const int *fds, unsigned count) {
    for (unsigned i = 0; i < count; i++) close(fds[i]);
}

/* In the forked process: gives up rights, and puts the request's descriptors where a runtime looks for them. */
static int enter(const struct join *join) {
    uint32_t step;
    int result = join_give_up_rights(join, &step);
    if (result < 0) join_fail(join, step, result);
    /* Closes and renews libuv's own descriptors; the other repairs ran inside fork(). */
    if (uv_loop_fork != NULL && uv_loop_fork(uv_default_loop()) != 0) join_fail(join, MF_STEP_JOIN_LOOP, -EIO);
    /* The zygote has both numbers taken, so that none of the request's descriptors is one of them. */
    if (dup3(join->fds[MF_JOIN_CONTROL], MF_CONTROL_FD, O_CLOEXEC) < 0 ||
        dup3(join->fds[MF_JOIN_GATE], MF_GATE_FD, O_CLOEXEC) < 0)
        join_fail(join, MF_STEP_JOIN_DESCRIPTORS, -errno);
    for (unsigned i = 0; i < join->fd_count; i++) close(join->fds[i]);
    return 0;
}

int mf_zygote_serve(int socket) {
    fill_heap_gaps();
    int result = allow_fork_everywhere();
    if (result < 0) return result;
    int own_pid_namespace = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    if (own_pid_namespace < 0) return -errno;
    static int private_fds[PRIVATE_FDS_MAX];
    int private_count = list_descriptors(private_fds, PRIVATE_FDS_MAX);
    if (private_count < 0) return private_count;

    struct mf_reply hello = {.op = MF_EVENT_HELLO};
    result = send_reply(socket, &hello);
    while (result == 0) {
        struct mf_request request;
        int fds[MF_REQUEST_FDS_MAX];
        unsigned count = 0;
        result = receive_request(socket, &request, fds, &count);
        if (result < 0) break;
        struct mf_reply reply = {.op = request.op, .id = request.id, .step = MF_STEP_REQUEST, .result = -EBADMSG};
        if (request.op == MF_OP_FORK && count > MF_JOIN_CGROUP) {
            struct join join = {fds, count, request.uid_base, own_pid_namespace, private_fds, (unsigned) private_count};
            reply.result = join_fork(&join, &reply.step);
            if (reply.result == 1) return enter(&join);
        }
        close_request(fds, count);
        result = send_reply(socket, &reply);
    }
    _exit(result == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE);
}

int mf_pid(void) {
    return getpid();
}

int mf_random(void) {
    uint32_t bits = 0;
    /* Never short: up to 256 bytes come whole once the kernel's generator is seeded (getrandom(2)). */
    if (getrandom(&bits, sizeof bits, 0) < 0) return -errno;
    return (int) (bits >> 1);
}

void mf_exit(int code) {
    _exit(code);
}
