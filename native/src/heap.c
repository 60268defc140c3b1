/*
 * Fitting V8's heap to a sandbox after the fork. V8 fixes its limits when an isolate is made, in the zygote, which
 * cannot know the function's; with the limits of a whole machine it collects garbage too late and the cgroup kills
 * the sandbox for memory that nobody uses.
 *
 * V8's public way to lower the limit of a living isolate is removing a NearHeapLimitCallback with a new limit
 * (v8-isolate.h). Node.js exports it for addons; the names are those of the Itanium C++ ABI.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mayfly.h"

typedef size_t near_heap_limit_callback(void *data, size_t current, size_t initial);

extern void *isolate_current(void) __asm__("_ZN2v87Isolate10GetCurrentEv") __attribute__((weak));
extern void isolate_add_callback(void *isolate, near_heap_limit_callback *callback, void *data) __asm__(
    "_ZN2v87Isolate24AddNearHeapLimitCallbackEPFmPvmmES1_") __attribute__((weak));
extern void isolate_remove_callback(void *isolate, near_heap_limit_callback *callback, size_t limit) __asm__(
    "_ZN2v87Isolate27RemoveNearHeapLimitCallbackEPFmPvmmEm") __attribute__((weak));

/*
 * Asked when collecting did not help. The answer is always "more": V8's limit is where it starts to collect hard,
 * not where the function ends. That is the cgroup's limit, with its counter as evidence; V8 itself would abort.
 */
static size_t raise_limit(void *data, size_t current, size_t initial) {
    (void) data;
    (void) initial;
    return current + current / 4 + ((size_t) 4 << 20);
}

int mf_heap_limit(uint64_t bytes) {
    if (isolate_current == NULL || isolate_add_callback == NULL || isolate_remove_callback == NULL) return -ENOSYS;
    void *isolate = isolate_current();
    if (isolate == NULL) return -ENOSYS;
    /* V8 aborts at one that it has, or has not. */
    static bool is_added;
    if (!is_added) isolate_add_callback(isolate, raise_limit, NULL);
    is_added = true;
    isolate_remove_callback(isolate, raise_limit, bytes);
    isolate_add_callback(isolate, raise_limit, NULL);
    return 0;
}
