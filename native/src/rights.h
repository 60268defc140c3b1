/* Giving up rights, for PID 1 and for the tenant's process. 0 or -errno each. */
#ifndef MF_RIGHTS_H
#define MF_RIGHTS_H

#include <stdint.h>
#include <sys/types.h>

/* No capability can be gained by exec any more. Needs CAP_SETPCAP: call it first. */
int drop_bounding_set(void);

/* Sets all user and group ids to `id`. */
int become(uid_t id);

/* Empties the inheritable and ambient sets, and the permitted and effective ones but for `kept` (CAP_TO_MASK). */
int drop_capabilities(uint32_t kept);

#endif
