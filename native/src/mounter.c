#define _GNU_SOURCE
#include "mounter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "channel.h"
#include "set.h"
#include "steps.h"
#include "util.h"
#include "writable-root.h"

#ifndef MOVE_MOUNT_F_EMPTY_PATH
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef MOVE_MOUNT_T_EMPTY_PATH
#define MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#endif

/* PID 1 has mounted one of the usual size (init.c); on a root of its own there is none yet. */
static int mount_tmp(const struct mf_request *request) {
    unsigned long remount = request->mounts & MF_MOUNT_ROOT ? 0 : MS_REMOUNT;
    if (remount && request->tmp_bytes == MF_TMP_BYTES && request->tmp_inodes == MF_TMP_INODES) return 0;
    char options[128];
    snprintf(options, sizeof options, "size=%" PRIu64 ",nr_inodes=%" PRIu64 ",mode=1777", request->tmp_bytes,
             request->tmp_inodes);
    return mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | remount, options) < 0 ? -errno : 0;
}

static int attach(int mount, const char *path) {
    return syscall(SYS_move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

/* The folders on the first mount are named by descriptors, which are right now that it is attached. */
static int mount_volumes(const struct mf_request *request, const int *fds) {
    int result = attach(*fds++, "/mnt");
    for (unsigned i = 0; i < request->volumes && result == 0; i++, fds += 2) {
        unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
        if (syscall(SYS_move_mount, fds[1], "", fds[0], "", flags) < 0) result = -errno;
    }
    return result;
}

/* In the set's mount namespace, of which nobody inside has any rights (set.c). `fds`: as the request has them. */
static int mount_all(const struct mf_request *request, const int *fds, int root_ids, uint32_t *ret_step) {
    int result = 0;
    if (request->mounts & MF_MOUNT_ROOT)
        result = make_root_writable(root_ids, request->uid_base + MF_GUEST_ID, request->tmp_bytes,
                                    request->tmp_inodes, ret_step);
    if (result < 0) return result;
    *ret_step = MF_STEP_MOUNT_TMP;
    result = mount_tmp(request);
    if (result < 0) return result;
    *ret_step = MF_STEP_MOUNT_TASK;
    result = attach(fds[2], "/var/task");
    if (result < 0) return result;
    const int *next = fds + 3;
    if (request->mounts & MF_MOUNT_LAYERS) {
        *ret_step = MF_STEP_MOUNT_LAYERS;
        result = attach(*next++, "/opt");
        if (result < 0) return result;
    }
    if (request->mounts & MF_MOUNT_VOLUMES) {
        *ret_step = MF_STEP_MOUNT_VOLUMES;
        result = mount_volumes(request, next);
        if (result < 0) return result;
        next += 1 + 2 * request->volumes;
    }
    if (request->mounts & MF_MOUNT_CODE) {
        *ret_step = MF_STEP_MOUNT_CODE;
        result = attach(*next, "/var/code");
        if (result < 0) return result;
    }
    return 0;
}

/* How many descriptors the request must have. */
static unsigned expected_fds(const struct mf_request *request) {
    unsigned volumes = request->volumes < MF_VOLUMES_MAX ? request->volumes : MF_VOLUMES_MAX;
    return 3 + !!(request->mounts & MF_MOUNT_LAYERS) + !!(request->mounts & MF_MOUNT_CODE) +
           (request->mounts & MF_MOUNT_VOLUMES ? 1 + 2 * volumes : 0);
}

static int serve_one(const struct mf_request *request, const int *fds, int home, int proc, uint32_t *ret_step) {
    scope_fd int root_ids = -1;
    if (request->mounts & MF_MOUNT_ROOT) {
        *ret_step = MF_STEP_ROOT_IDS;
        root_ids = root_owner_namespace(proc, request->uid_base + MF_GUEST_ID);
        if (root_ids < 0) return root_ids;
    }
    *ret_step = MF_STEP_MOUNT_ENTER;
    if (setns(fds[0], CLONE_NEWNS) < 0) return -errno;
    int result = mount_all(request, fds, root_ids, ret_step);
    if (setns(home, CLONE_NEWNS) < 0) {
        /* Never serve another set from inside this one. */
        *ret_step = MF_STEP_MOUNT_LEAVE;
        return -errno;
    }
    if (result < 0) return result;
    *ret_step = MF_STEP_MOUNT_GATE;
    uint64_t open = 1;
    return write_exactly(fds[1], &open, sizeof open);
}

_Noreturn void mounter_serve(int socket, int home, int proc) {
    for (;;) {
        struct mf_request request;
        int fds[MF_REQUEST_FDS_MAX];
        unsigned count = 0;
        int result = receive_request(socket, &request, fds, &count);
        if (result < 0) _exit(result == -EPIPE ? EXIT_SUCCESS : EXIT_FAILURE);
        struct mf_reply reply = {.op = request.op, .id = request.id, .step = MF_STEP_REQUEST, .result = -EBADMSG};
        if (request.op == MF_OP_MOUNT && count == expected_fds(&request))
            reply.result = serve_one(&request, fds, home, proc, &reply.step);
        for (unsigned i = 0; i < count; i++) close(fds[i]);
        if (send_reply(socket, &reply) < 0 || reply.step == MF_STEP_MOUNT_LEAVE) _exit(EXIT_FAILURE);
    }
}
