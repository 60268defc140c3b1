#include "util.h"

#include <fcntl.h>
#include <string.h>

int write_file_at(int dir, const char *name, const char *text) {
    scope_fd int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t written;
    do written = write(fd, text, strlen(text));
    while (written < 0 && errno == EINTR); /* a memory limit of cgroup v1, when any signal is pending */
    return written < 0 ? -errno : 0;
}

int read_file_at(int dir, const char *name, char *buffer, size_t size) {
    scope_fd int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t length = read(fd, buffer, size - 1);
    if (length < 0) return -errno;
    buffer[length] = '\0';
    return (int) length;
}

int read_exactly(int fd, void *buffer, size_t size) {
    char *at = buffer;
    while (size > 0) {
        ssize_t n = read(fd, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return -EPIPE;
        at += n;
        size -= (size_t) n;
    }
    return 0;
}

int write_exactly(int fd, const void *buffer, size_t size) {
    const char *at = buffer;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        at += n;
        size -= (size_t) n;
    }
    return 0;
}
