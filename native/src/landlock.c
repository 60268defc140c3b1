#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util.h"

/* Of linux/landlock.h, which is older than ABI 6 where we are built. */
struct ruleset {
    uint64_t handled_access_fs, handled_access_net, scoped;
};
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 };
enum { CREATE_RULESET_VERSION = 1 };
enum { ABI_WITH_SCOPES = 6 };

int isolate_by_landlock(void) {
    /* ENOSYS without it, EOPNOTSUPP when it is off: this line is one more, not the one that holds. */
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION) < ABI_WITH_SCOPES) return 0;
    /* No rights to files: a domain that handles any forbids renaming between folders too, unless a rule names them. */
    struct ruleset ruleset = {.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL};
    scope_fd int fd = (int) syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    if (fd < 0) return -errno;
    return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}
