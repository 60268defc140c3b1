/* clone3(2), in the two ways in which it is used here. */
#ifndef MF_CLONE_H
#define MF_CLONE_H

#include <linux/sched.h>
#include <stddef.h>
#include <sys/types.h>

/* Like fork: the child has a copy of the memory. The pid, 0 in the child, or -errno. */
pid_t clone3_fork(struct clone_args *args);

/*
 * Like vfork: the child shares memory and stack, and the parent stands still until the child ends or executes
 * something. `args->flags` must have CLONE_VM and CLONE_VFORK. The pid, 0 in the child, or -errno.
 *
 * Written in assembly because the child overwrites the stack that the parent returns on: the return address
 * must live in a register meanwhile, and the compiler must know that the function returns twice.
 */
pid_t clone3_vfork(struct clone_args *args, size_t size) __attribute__((returns_twice));

#endif
