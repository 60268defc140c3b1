/* Giving up rights, for PID 1 and for the tenant's process. 0 or -errno each. */
#ifndef MF_RIGHTS_H
#define MF_RIGHTS_H

#include <sys/types.h>

/* No capability can be gained by exec any more. Needs CAP_SETPCAP: call it first. */
int drop_bounding_set(void);

/* Sets all user and group ids to `id`. */
int become(uid_t id);

/* Empties the permitted, effective, inheritable and ambient sets. */
int drop_capabilities(void);

#endif
