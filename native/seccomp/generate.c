/*
 * Makes the system call filters from policy.def: `make -C native seccomp` writes filters.h and
 * docs/seccomp.md, both checked in, so that only who changes the policy needs libseccomp (2.5 or newer).
 *
 * One classic BPF program an architecture. libseccomp orders it as a binary tree; the kernel runs it once for each
 * call number when it is installed, to remember those that are always allowed (Linux 5.11), so its length counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "newest.h"

/* Not in every kernel's headers. */
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define LOWER_32_BITS 0xffffffffULL
#define NEW_NAMESPACES                                                                                         \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

static void check(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "generate: %s: %s\n", what, strerror(-result));
    exit(EXIT_FAILURE);
}

static void rule(scmp_filter_ctx filter, uint32_t action, const char *call, unsigned count,
                 const struct scmp_arg_cmp *comparisons) {
    int number = seccomp_syscall_resolve_name(call);
    if (number == __NR_SCMP_ERROR) check(-ENOSYS, call);
    check(seccomp_rule_add_array(filter, action, number, count, comparisons), call);
}

/* Allows `call` when the lower 32 bits of argument `index`, masked, are one of the values. */
static void allow_values(scmp_filter_ctx filter, const char *call, unsigned index, uint64_t mask,
                         const uint64_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct scmp_arg_cmp comparison = SCMP_CMP64(index, SCMP_CMP_MASKED_EQ, mask, values[i]);
        rule(filter, SCMP_ACT_ALLOW, call, 1, &comparison);
    }
}

static void allow_ioctl(scmp_filter_ctx filter) {
    static const uint64_t requests[] = {
        FIONREAD,      FIONBIO,        FIOASYNC,       FIOCLEX,        FIONCLEX,       TIOCOUTQ,   TCGETS,
        TIOCGWINSZ,    FICLONE,        FS_IOC_GETFLAGS, SIOCGIFCONF,   SIOCGIFNAME,    SIOCGIFFLAGS, SIOCGIFADDR,
        SIOCGIFDSTADDR, SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMTU,    SIOCGIFHWADDR,  SIOCGIFINDEX};
    allow_values(filter, "ioctl", 1, LOWER_32_BITS, requests, COUNT(requests));
}

static void allow_prctl(scmp_filter_ctx filter) {
    static const uint64_t operations[] = {
        PR_SET_NAME,        PR_GET_NAME,           PR_SET_PDEATHSIG,      PR_GET_PDEATHSIG,  PR_SET_DUMPABLE,
        PR_GET_DUMPABLE,    PR_SET_NO_NEW_PRIVS,   PR_GET_NO_NEW_PRIVS,   PR_SET_SECCOMP,    PR_GET_SECCOMP,
        PR_SET_TIMERSLACK,  PR_GET_TIMERSLACK,     PR_SET_CHILD_SUBREAPER, PR_GET_CHILD_SUBREAPER,
        PR_SET_THP_DISABLE, PR_GET_THP_DISABLE,    PR_GET_KEEPCAPS,       PR_GET_SECUREBITS, PR_GET_TID_ADDRESS,
        PR_GET_SPECULATION_CTRL, PR_CAPBSET_READ,  PR_CAP_AMBIENT,        PR_SET_VMA};
    allow_values(filter, "prctl", 0, LOWER_32_BITS, operations, COUNT(operations));
}

static void allow_mknod(scmp_filter_ctx filter, const char *call, unsigned mode) {
    static const uint64_t types[] = {0, S_IFREG, S_IFIFO, S_IFSOCK};
    allow_values(filter, call, mode, S_IFMT, types, COUNT(types));
}

static void allow_personality(scmp_filter_ctx filter) {
    static const uint64_t personas[] = {0, 0xffffffff};
    allow_values(filter, "personality", 0, LOWER_32_BITS, personas, COUNT(personas));
}

/* An int to the kernel: what lies above its 32 bits is nobody's, and whoever sets it is refused. */
static void filter_families(scmp_filter_ctx filter, const char *call) {
    for (uint64_t family = 0; family <= AF_INET6; family++) {
        if (family == AF_UNIX || family == AF_INET || family == AF_INET6) continue;
        struct scmp_arg_cmp comparison = SCMP_CMP64(0, SCMP_CMP_EQ, family);
        rule(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1, &comparison);
    }
    struct scmp_arg_cmp higher = SCMP_CMP64(0, SCMP_CMP_GT, AF_INET6);
    rule(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 1, &higher);
    struct scmp_arg_cmp local = SCMP_CMP64(0, SCMP_CMP_EQ, AF_UNIX);
    rule(filter, SCMP_ACT_ALLOW, call, 1, &local);
}

static void allow_socket(scmp_filter_ctx filter) {
    static const uint64_t families[] = {AF_INET, AF_INET6}, protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP};
    filter_families(filter, "socket");
    for (size_t f = 0; f < COUNT(families); f++)
        for (size_t p = 0; p < COUNT(protocols); p++) {
            struct scmp_arg_cmp comparisons[] = {SCMP_CMP64(0, SCMP_CMP_EQ, families[f]),
                                                 SCMP_CMP64(2, SCMP_CMP_EQ, protocols[p])};
            rule(filter, SCMP_ACT_ALLOW, "socket", 2, comparisons);
        }
}

static void allow_clone(scmp_filter_ctx filter) {
    static const uint64_t none[] = {0};
    allow_values(filter, "clone", 0, NEW_NAMESPACES, none, 1);
}

/* The conditions of policy.def. */
static void allow_when(scmp_filter_ctx filter, const char *call) {
    if (strcmp(call, "ioctl") == 0) allow_ioctl(filter);
    else if (strcmp(call, "prctl") == 0) allow_prctl(filter);
    else if (strcmp(call, "mknod") == 0) allow_mknod(filter, call, 1);
    else if (strcmp(call, "mknodat") == 0) allow_mknod(filter, call, 2);
    else if (strcmp(call, "personality") == 0) allow_personality(filter);
    else if (strcmp(call, "socket") == 0) allow_socket(filter);
    else if (strcmp(call, "socketpair") == 0) filter_families(filter, call);
    else if (strcmp(call, "clone") == 0) allow_clone(filter);
    else check(-EINVAL, call);
}

static void add_policy(scmp_filter_ctx filter) {
#define GROUP(title)
#define ALLOW(call, why) rule(filter, SCMP_ACT_ALLOW, #call, 0, NULL);
#define WHEN(call, condition, why) allow_when(filter, #call);
#define ANSWER(call, number, why) rule(filter, SCMP_ACT_ERRNO(number), #call, 0, NULL);
#include "policy.def"
#undef GROUP
#undef ALLOW
#undef WHEN
#undef ANSWER
}

/* Calls that this policy has not heard of do not exist: placed before libseccomp's program, as runc does. */
static const struct sock_filter newer_calls[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0 /* seccomp_data.nr */),
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
};

static void print_program(FILE *out, const struct sock_filter *program, size_t length) {
    for (size_t i = 0; i < length; i++)
        fprintf(out, "    {0x%02x, %u, %u, 0x%08x},\n", program[i].code, program[i].jt, program[i].jf, program[i].k);
}

static void print_filter(FILE *out, const char *name, uint32_t arch) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) check(-ENOMEM, name);
    if (arch != seccomp_arch_native()) {
        check(seccomp_arch_add(filter, arch), name);
        check(seccomp_arch_remove(filter, seccomp_arch_native()), name);
    }
    check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), name);
    check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), name);
    add_policy(filter);

    FILE *file = tmpfile();
    if (file == NULL) check(-errno, name);
    check(seccomp_export_bpf(filter, fileno(file)), name);
    seccomp_release(filter);
    static struct sock_filter program[BPF_MAXINSNS];
    ssize_t bytes = pread(fileno(file), program, sizeof program, 0);
    if (bytes <= 0) check(-EIO, name);
    fclose(file);

    fprintf(out, "static const struct sock_filter %s[] = {\n", name);
    print_program(out, newer_calls, COUNT(newer_calls));
    print_program(out, program, (size_t) bytes / sizeof *program);
    fputs("};\n", out);
}

static void print_filters(FILE *out) {
    static const struct {
        const char *condition;
        uint32_t arch;
    } architectures[] = {{"#if defined(__x86_64__)", SCMP_ARCH_X86_64}, {"#elif defined(__aarch64__)", SCMP_ARCH_AARCH64}};
    fputs("/* Made by seccomp/generate.c from policy.def: make -C native seccomp. Not to be edited. */\n", out);
    for (size_t i = 0; i < COUNT(architectures); i++) {
        fprintf(out, "%s\n", architectures[i].condition);
        print_filter(out, "system_call_filter", architectures[i].arch);
    }
    fputs("#else\n#error \"no system call filter for this architecture\"\n#endif\n", out);
}

#define TABLE_HEAD "\n## %s\n\n| call | answer | why |\n| --- | --- | --- |\n"

static void print_document(FILE *out) {
    fprintf(out,
            "<!-- Made by native/seccomp/generate.c from policy.def: make -C native seccomp. -->\n\n"
            "# System calls\n\n"
            "Every process of a sandbox runs under a seccomp filter from its first instruction of the tenant's code on.\n"
            "What is not listed here is refused with `EPERM`: tracing and reading other processes, mounting, namespaces,\n"
            "modules, clocks, keys, bpf, perf, userfaultfd, handles of files, accounting, quotas and all the rest. Calls\n"
            "newer than number %d get `ENOSYS`, so that programs fall back to older ones. A call of 32-bit code ends the\n"
            "process with `SIGSYS`.\n\n"
            "The filters are [native/seccomp/filters.h](../native/seccomp/filters.h), and\n"
            "[native/test/native-test.c](../native/test/native-test.c) runs them for every call number.\n",
            NEWEST);
#define GROUP(title) fprintf(out, TABLE_HEAD, title);
#define ALLOW(call, why) fprintf(out, "| `" #call "` | yes | %s |\n", why);
#define WHEN(call, condition, why) fprintf(out, "| `" #call "` | when %s | %s |\n", condition, why);
#define ANSWER(call, number, why) fprintf(out, "| `" #call "` | %s | %s |\n", strcmp(#number, "0") == 0 ? "no; reports success" : "no: `" #number "`", why);
#include "policy.def"
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("usage: generate FILTERS_H DOCUMENT\n", stderr);
        return EXIT_FAILURE;
    }
    FILE *filters = fopen(argv[1], "w"), *document = fopen(argv[2], "w");
    if (filters == NULL || document == NULL) check(-errno, "open");
    print_filters(filters);
    print_document(document);
    return fclose(filters) == 0 && fclose(document) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
