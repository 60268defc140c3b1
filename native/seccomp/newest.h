/* The newest system call that policy.def judged: process_mrelease, Linux 5.15. Numbers from 424 on are the same everywhere. */
#define NEWEST 448
