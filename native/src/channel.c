#define _GNU_SOURCE
#include "channel.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "util.h"

int mf_send(int socket, const struct mf_request *request, const int32_t *fds, uint32_t fd_count) {
    if (fd_count > MF_REQUEST_FDS_MAX) return -EINVAL;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MF_REQUEST_FDS_MAX)];
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *) request, .iov_len = sizeof *request};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd_count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(rights), fds, sizeof(int) * fd_count);
    }
    /* A stream socket queues such a small message whole or not at all. */
    ssize_t sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return -errno;
    return sent == (ssize_t) sizeof *request ? 0 : -EIO;
}

int receive_request(int socket, struct mf_request *ret_request, int ret_fds[MF_REQUEST_FDS_MAX], unsigned *ret_count) {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * MF_REQUEST_FDS_MAX)];
    } control;
    struct mf_request request;
    struct iovec part = {.iov_base = &request, .iov_len = sizeof request};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t received;
    do {
        received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    if (received == 0) return -EPIPE;

    int fds[MF_REQUEST_FDS_MAX];
    unsigned count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        count = (unsigned) ((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), sizeof(int) * count);
    }
    int result = 0;
    if (message.msg_flags & MSG_CTRUNC) result = -EBADMSG;
    /* Descriptors travel with the first byte; the rest of a request may come later. */
    if (result == 0 && (size_t) received < sizeof request)
        result = read_exactly(socket, (char *) &request + received, sizeof request - (size_t) received);
    if (result < 0) {
        for (unsigned i = 0; i < count; i++) close(fds[i]);
        return result;
    }
    *ret_request = request;
    memcpy(ret_fds, fds, sizeof(int) * count);
    *ret_count = count;
    return 0;
}

int send_reply(int socket, const struct mf_reply *reply) {
    return write_exactly(socket, reply, sizeof *reply);
}

int mf_socketpair(int32_t ret_fds[2]) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) return -errno;
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

int mf_gate(void) {
    int fd = eventfd(0, EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int mf_log_pipe(int32_t ret_fds[2]) {
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0) return -errno;
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
        int error = -errno;
        close(fds[0]);
        close(fds[1]);
        return error;
    }
    ret_fds[0] = fds[0];
    ret_fds[1] = fds[1];
    return 0;
}

int mf_read_available(int fd, void *buffer, uint32_t size) {
    ssize_t length;
    do {
        length = read(fd, buffer, size);
    } while (length < 0 && errno == EINTR);
    return length < 0 ? -errno : (int) length;
}
