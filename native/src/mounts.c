/*
 * Detached mounts, made by the worker from folders that only it sees and handed to the mounter (mounter.c) as
 * descriptors. Whatever is not handed over goes away with its last descriptor.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "mayfly.h"
#include "util.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
/* struct mount_attr and constants of linux/mount.h, which some C libraries' sys/mount.h collides with. */
struct mount_attributes {
    uint64_t set, clear, propagation, user_namespace;
};
#define ATTR_RDONLY 0x1
#define ATTR_NOSUID 0x2
#define ATTR_NODEV 0x4
#define ATTR_NOEXEC 0x8
#define ATTR_IDMAP 0x00100000
#define CONTEXT_CLOEXEC 0x1
#define CONTEXT_MOUNT_CLOEXEC 0x1
#define CONTEXT_SET_STRING 1
#define CONTEXT_CREATE 6

static int set_attributes(int mount, uint64_t set) {
    struct mount_attributes attributes = {.set = set, .propagation = MS_PRIVATE};
    long result = syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
    return result < 0 ? -errno : 0;
}

int mf_bundle_mount(const char *folder) {
    scope_fd int fd = (int) syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | O_CLOEXEC);
    if (fd < 0) return -errno;
    int result = set_attributes(fd, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV);
    return result < 0 ? result : steal_fd(&fd);
}

/* Options are written with commas nowhere: each goes by itself. */
static int set_option(int context, const char *key, const char *value) {
    return syscall(SYS_fsconfig, context, CONTEXT_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

static int make_mount(int context, uint64_t attributes) {
    if (syscall(SYS_fsconfig, context, CONTEXT_CREATE, NULL, NULL, 0) < 0) return -errno;
    long mount = syscall(SYS_fsmount, context, CONTEXT_MOUNT_CLOEXEC, attributes);
    return mount < 0 ? -errno : (int) mount;
}

/*
 * lowerdir names its folders from the top down. They go by descriptor: an option's value has at most 255 characters,
 * ':' and ',' need no escaping, and what the guest reads in its mountinfo tells nothing of the host's folders.
 */
static int overlay_of(const int *folders, uint32_t count) {
    char lower[MF_LAYERS_MAX * 24] = "";
    int at = 0;
    for (uint32_t i = count; i-- > 0;)
        at += snprintf(lower + at, sizeof lower - (size_t) at, "%s/proc/self/fd/%d", at > 0 ? ":" : "", folders[i]);
    scope_fd int context = (int) syscall(SYS_fsopen, "overlay", CONTEXT_CLOEXEC);
    if (context < 0) return -errno;
    int result = set_option(context, "source", "layers");
    if (result == 0) result = set_option(context, "lowerdir", lower);
    return result < 0 ? result : make_mount(context, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV);
}

int mf_layers_mount(const char *const *folders, uint32_t count) {
    if (count == 0 || count > MF_LAYERS_MAX) return -EINVAL;
    if (count == 1) return mf_bundle_mount(folders[0]);
    int fds[MF_LAYERS_MAX], result = 0;
    uint32_t opened = 0;
    while (opened < count && result == 0) {
        int fd = open(folders[opened], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) result = -errno;
        else fds[opened++] = fd;
    }
    if (result == 0) result = overlay_of(fds, count);
    for (uint32_t i = 0; i < opened; i++) close(fds[i]);
    return result;
}

int mf_volume_mount(const char *folder, int user_namespace, int read_only) {
    scope_fd int fd = (int) syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE | O_CLOEXEC);
    if (fd < 0) return -errno;
    struct mount_attributes mapping = {.set = ATTR_IDMAP, .user_namespace = (uint64_t) user_namespace};
    long mapped = syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &mapping, sizeof mapping);
    /* EINVAL: the file system cannot. Its files then belong to nobody that the set knows. */
    if (mapped < 0 && errno != EINVAL) return -errno;
    int result = set_attributes(fd, ATTR_NOSUID | ATTR_NODEV | (read_only ? ATTR_RDONLY : 0));
    return result < 0 ? result : steal_fd(&fd);
}

/* A folder on a detached mount, to be named by its descriptor: that stays right when the mount is attached. */
static int make_point(int mount, const char *name) {
    if (mkdirat(mount, name, 0755) < 0) return -errno;
    int fd = openat(mount, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int make_points_mount(void) {
    scope_fd int context = (int) syscall(SYS_fsopen, "tmpfs", CONTEXT_CLOEXEC);
    if (context < 0) return -errno;
    char inodes[16];
    snprintf(inodes, sizeof inodes, "%d", MF_VOLUMES_MAX + 1);
    int result = set_option(context, "source", "mnt");
    if (result == 0) result = set_option(context, "size", "64k");
    if (result == 0) result = set_option(context, "nr_inodes", inodes);
    if (result == 0) result = set_option(context, "mode", "755");
    return result < 0 ? result : make_mount(context, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
}

int mf_mount_points(const char *const *names, uint32_t count, int32_t *ret_fds) {
    if (count == 0 || count > MF_VOLUMES_MAX) return -EINVAL;
    int fds[MF_VOLUMES_MAX + 1];
    uint32_t opened = 0;
    int result = make_points_mount();
    if (result >= 0) fds[opened++] = result;
    while (result >= 0 && opened <= count) {
        result = make_point(fds[0], names[opened - 1]);
        if (result >= 0) fds[opened++] = result;
    }
    if (result >= 0) result = set_attributes(fds[0], ATTR_RDONLY);
    for (uint32_t i = 0; i < opened; i++) {
        if (result < 0) close(fds[i]);
        else ret_fds[i] = fds[i];
    }
    return result < 0 ? result : 0;
}
