/*
 * The JavaScript stack of a function that does not come back, for the autopsy of a timeout (pool/autopsy.ts): a
 * signal asks V8 to interrupt the running code at its next check, and there the stack is taken and reported.
 * Code that stands in the kernel is not interrupted: what it waits for shows in /proc instead.
 *
 * Isolate::RequestInterrupt takes a lock, so a handler that ran inside another request would stand still for good.
 * The signal is sent once, to a process that is killed some milliseconds later.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stddef.h>

#include "mayfly.h"

extern void *isolate_current(void) __asm__("_ZN2v87Isolate10GetCurrentEv") __attribute__((weak));
extern void isolate_request_interrupt(void *isolate, void (*callback)(void *isolate, void *data), void *data) __asm__(
    "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_") __attribute__((weak));

static struct {
    void *isolate;
    void (*report)(void);
} reporter;

static void interrupted(void *isolate, void *data) {
    (void) isolate;
    (void) data;
    reporter.report();
}

static void signalled(int number) {
    (void) number;
    int saved = errno;
    isolate_request_interrupt(reporter.isolate, interrupted, NULL);
    errno = saved;
}

int mf_stack_reporter(void (*report)(void)) {
    if (isolate_current == NULL || isolate_request_interrupt == NULL) return -ENOSYS;
    reporter.isolate = isolate_current();
    reporter.report = report;
    if (reporter.isolate == NULL) return -ENOSYS;
    struct sigaction action = {.sa_handler = signalled, .sa_flags = SA_RESTART};
    return sigaction(MF_STACK_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}
