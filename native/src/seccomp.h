/* The system call filter of the tenant's processes: policy in ../seccomp/policy.def, document in docs/seccomp.md. */
#ifndef MF_SECCOMP_H
#define MF_SECCOMP_H

/* Filters the calling thread and all that it starts, for good. Needs no_new_privs. 0 or -errno. */
int filter_system_calls(void);

#endif
