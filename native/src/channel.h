/* Requests with descriptors, and replies, on UNIX stream sockets: the receiving side. Sending is in mayfly.h. */
#ifndef MF_CHANNEL_H
#define MF_CHANNEL_H

#include "mayfly.h"

/*
 * Waits for one request. Descriptors arrive O_CLOEXEC in `ret_fds` and belong to the caller.
 * 0; -EPIPE when the other end is closed; -EBADMSG when what came is not a request (its descriptors are closed).
 */
int receive_request(int socket, struct mf_request *ret_request, int ret_fds[MF_REQUEST_FDS_MAX], unsigned *ret_count);

/* Sends one reply, waiting while the buffer is full. 0 or -errno. */
int send_reply(int socket, const struct mf_reply *reply);

#endif
