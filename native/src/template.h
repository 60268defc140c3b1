/* The mount namespace that every set of one runtime is cloned from. */
#ifndef MF_TEMPLATE_H
#define MF_TEMPLATE_H

#include <stdint.h>

/*
 * Moves this process into a new mount namespace that holds nothing but the runtime's root, read-only, and a
 * minimal /dev: two mounts, because a clone of a mount namespace costs by the mount. 0, or -errno with *ret_step.
 */
int template_enter(const char *root, uint32_t *ret_step);

#endif
