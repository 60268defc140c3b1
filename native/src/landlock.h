/* The second line behind pid, network and mount namespaces (docs/decisions/0013). */
#ifndef MF_LANDLOCK_H
#define MF_LANDLOCK_H

/*
 * From now on this process and its children can send signals to, trace, and connect abstract Unix sockets of each
 * other only. 0 also where the kernel has no such scopes (Landlock's ABI 6, Linux 6.12) or Landlock is off; -errno.
 */
int isolate_by_landlock(void);

#endif
