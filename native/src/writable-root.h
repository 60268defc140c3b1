/* A root that a function may write, thrown away with its sandbox. */
#ifndef MF_WRITABLE_ROOT_H
#define MF_WRITABLE_ROOT_H

#include <stdint.h>

/*
 * A user namespace, for an idmapped mount, in which root's files are those of the host id `owner`. `proc`: the
 * host's /proc. A descriptor, or -errno.
 */
int root_owner_namespace(int proc, uint32_t owner);

/*
 * In a set's mount namespace, before anything is mounted for the lease: puts an overlay over the root, which belongs
 * to `owner` like all in it, and makes it the root of every process of the set. What is written lies in a tmpfs of
 * that many bytes and files. 0, or -errno with *ret_step.
 */
int make_root_writable(int user_namespace, uint32_t owner, uint64_t bytes, uint64_t inodes, uint32_t *ret_step);

#endif
