#define _GNU_SOURCE
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int drop_bounding_set(void) {
    for (int capability = 0; capability < 64; capability++) {
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
        return errno == EINVAL ? 0 : -errno; /* past the last capability that this kernel knows */
    }
    return 0;
}

int become(uid_t id) {
    if (setresgid(id, id, id) < 0) return -errno;
    return setresuid(id, id, id) < 0 ? -errno : 0;
}

int drop_capabilities(uint32_t kept) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0) return -errno;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2] = {{.permitted = kept, .effective = kept}, {0}};
    return syscall(SYS_capset, &header, sets) < 0 ? -errno : 0;
}
