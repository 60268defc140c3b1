/* Descriptors that close themselves, files written in one call. Used by every file here. */
#ifndef MF_UTIL_H
#define MF_UTIL_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static inline void mf_close_scope(int *fd) {
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

/* `scope_fd int fd = open(...)` is closed when the scope is left. */
#define scope_fd __attribute__((cleanup(mf_close_scope)))

/* Takes a descriptor out of its scope: `return steal_fd(&fd);` */
static inline int steal_fd(int *fd) {
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

/* Writes `text` in one write(2) to the file `name` in `dir`. 0 or -errno. */
int write_file_at(int dir, const char *name, const char *text);

/* Reads at most size - 1 bytes of the file and ends them with NUL. Bytes read or -errno. */
int read_file_at(int dir, const char *name, char *buffer, size_t size);

/* read(2) and write(2) of exactly `size` bytes; 0, -errno, or -EPIPE when the other end is gone. */
int read_exactly(int fd, void *buffer, size_t size);
int write_exactly(int fd, const void *buffer, size_t size);

#endif
