/* The process that gives a leased set its /tmp and its bundle. */
#ifndef MF_MOUNTER_H
#define MF_MOUNTER_H

/*
 * Serves MF_OP_MOUNT on `socket` until its other end closes. Its own process, because a lease must not wait while
 * the spawner makes a set, and because entering a mount namespace takes a single-threaded process. `home` is the
 * template's mount namespace, to which it returns; `proc` the host's /proc. Never returns.
 */
_Noreturn void mounter_serve(int socket, int home, int proc);

#endif
