#define _GNU_SOURCE
#include "seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "../seccomp/filters.h"

int filter_system_calls(void) {
    struct sock_fprog program = {
        .len = sizeof system_call_filter / sizeof *system_call_filter,
        .filter = (struct sock_filter *) system_call_filter, /* the kernel copies it */
    };
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0 ? -errno : 0;
}
