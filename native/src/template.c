#define _GNU_SOURCE
#include "template.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "steps.h"
#include "util.h"

static int remount_read_only(const char *path, unsigned long flags) {
    return mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) < 0 ? -errno : 0;
}

/* The five devices that cannot be abused, and the usual links. No tty, no ptmx, no kmsg. */
static int fill_dev(int dev) {
    static const struct {
        const char *name;
        unsigned minor;
    } devices[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};
    static const struct {
        const char *name, *target;
    } links[] = {{"fd", "/proc/self/fd"},
                 {"stdin", "/proc/self/fd/0"},
                 {"stdout", "/proc/self/fd/1"},
                 {"stderr", "/proc/self/fd/2"}};
    for (unsigned i = 0; i < sizeof devices / sizeof *devices; i++) {
        if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(1, devices[i].minor)) < 0) return -errno;
        if (fchmodat(dev, devices[i].name, 0666, 0) < 0) return -errno; /* whatever the umask was */
    }
    for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
        if (symlinkat(links[i].target, dev, links[i].name) < 0) return -errno;
    return mkdirat(dev, "shm", 01777) < 0 ? -errno : 0;
}

/* One tmpfs shared by all sets, read-only: writing to a device does not need a writable mount. */
static int mount_dev(void) {
    if (mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,nr_inodes=32,mode=755") < 0) return -errno;
    scope_fd int dev = open("dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dev < 0) return -errno;
    int result = fill_dev(dev);
    return result < 0 ? result : remount_read_only("dev", MS_NOSUID | MS_NOEXEC);
}

static int bind_root(const char *root) {
    if (mount(root, root, NULL, MS_BIND, NULL) < 0) return -errno;
    if (chdir(root) < 0) return -errno; /* now the mount, no longer the folder below it */
    return remount_read_only(".", MS_BIND | MS_NOSUID | MS_NODEV);
}

/* pivot_root(2), "pivot_root(".", ".")": the old root ends up on top of the new one and is detached. */
static int pivot(void) {
    if (syscall(SYS_pivot_root, ".", ".") < 0) return -errno;
    if (umount2(".", MNT_DETACH) < 0) return -errno;
    return chdir("/") < 0 ? -errno : 0;
}

int template_enter(const char *root, uint32_t *ret_step) {
    *ret_step = MF_STEP_TEMPLATE_UNSHARE;
    if (unshare(CLONE_NEWNS) < 0) return -errno;
    *ret_step = MF_STEP_TEMPLATE_PRIVATE;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return -errno;
    *ret_step = MF_STEP_TEMPLATE_ROOT;
    int result = bind_root(root);
    if (result < 0) return result;
    *ret_step = MF_STEP_TEMPLATE_DEV;
    result = mount_dev();
    if (result < 0) return result;
    *ret_step = MF_STEP_TEMPLATE_PIVOT;
    return pivot();
}
