/*
 * Control groups on cgroup v2, and on hybrid machines, where the controllers sit in v1 hierarchies of their own
 * and an empty v2 tree serves membership and killing. Kernel documentation: admin-guide/cgroup-v2.rst and
 * admin-guide/cgroup-v1/.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mayfly.h"
#include "util.h"

#define HIERARCHIES 4

/* struct mf_cgroup is four descriptors; -1 stands for a hierarchy that this machine does not have. */
static const int32_t *as_array(const struct mf_cgroup *cgroup) {
    return &cgroup->unified;
}

/* On pure v2 every controller is in the unified hierarchy. */
static int controller(const struct mf_cgroup *cgroup, int32_t v1) {
    return v1 >= 0 ? v1 : cgroup->unified;
}

static int write_number(int dir, const char *file, uint64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, value);
    return write_file_at(dir, file, text);
}

/* The number after `key` and a space in a "key value" file; 0 when the key is not there. */
static uint64_t keyed(const char *text, const char *key) {
    size_t length = strlen(key);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, key, length) == 0 && line[length] == ' ') return strtoull(line + length + 1, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL) line++;
    }
    return 0;
}

static void close_all(const struct mf_cgroup *cgroup) {
    for (int i = 0; i < HIERARCHIES; i++)
        if (as_array(cgroup)[i] >= 0) close(as_array(cgroup)[i]);
}

/* Kernels without swap accounting have none of the swap files. */
static int ignore_missing(int result) {
    return result == -ENOENT ? 0 : result;
}

int mf_cgroup_create(const struct mf_cgroup *base, const char *name, struct mf_cgroup *ret_cgroup) {
    struct mf_cgroup made = {-1, -1, -1, -1};
    int32_t *fds = &made.unified;
    struct mf_cgroup ours = {-1, -1, -1, -1}; /* the parents below which this call made something */
    int result = 0;
    for (int i = 0; i < HIERARCHIES && result == 0; i++) {
        int parent = as_array(base)[i];
        if (parent < 0) continue;
        if (mkdirat(parent, name, 0755) < 0) {
            result = -errno;
            break;
        }
        (&ours.unified)[i] = parent;
        fds[i] = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fds[i] < 0) result = -errno;
    }
    if (result == 0 && made.memory < 0) {
        result = ignore_missing(write_file_at(made.unified, "memory.swap.max", "0"));
        if (result == 0) result = write_file_at(made.unified, "memory.oom.group", "1");
    }
    if (result < 0) {
        close_all(&made);
        mf_cgroup_remove(&ours, name);
        return result;
    }
    *ret_cgroup = made;
    return 0;
}

static int limit_cpu(const struct mf_cgroup *cgroup, const struct mf_limits *limits) {
    if (cgroup->cpu >= 0) {
        int result = write_number(cgroup->cpu, "cpu.cfs_period_us", limits->cpu_period_us);
        return result < 0 ? result : write_number(cgroup->cpu, "cpu.cfs_quota_us", limits->cpu_quota_us);
    }
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, limits->cpu_quota_us, limits->cpu_period_us);
    return write_file_at(cgroup->unified, "cpu.max", text);
}

static int limit_memory(const struct mf_cgroup *cgroup, const struct mf_limits *limits) {
    if (cgroup->memory < 0) return write_number(cgroup->unified, "memory.max", limits->memory_bytes);
    int result = write_number(cgroup->memory, "memory.limit_in_bytes", limits->memory_bytes);
    if (result < 0) return result;
    /* Memory and swap together: the same number again means no swap. Only present with swap accounting. */
    return ignore_missing(write_number(cgroup->memory, "memory.memsw.limit_in_bytes", limits->memory_bytes));
}

int mf_cgroup_limit(const struct mf_cgroup *cgroup, const struct mf_limits *limits) {
    int result = limit_cpu(cgroup, limits);
    if (result == 0) result = limit_memory(cgroup, limits);
    if (result == 0) result = write_number(controller(cgroup, cgroup->pids), "pids.max", limits->pids);
    return result;
}

static int usage_memory(const struct mf_cgroup *cgroup, struct mf_usage *usage) {
    char text[512];
    bool v1 = cgroup->memory >= 0;
    int dir = controller(cgroup, cgroup->memory);
    int result = read_file_at(dir, v1 ? "memory.max_usage_in_bytes" : "memory.peak", text, sizeof text);
    if (result < 0 && result != -ENOENT) return result;
    usage->memory_peak_bytes = result < 0 ? 0 : strtoull(text, NULL, 10);
    result = read_file_at(dir, v1 ? "memory.oom_control" : "memory.events", text, sizeof text);
    if (result < 0) return result;
    usage->oom_kills = keyed(text, "oom_kill");
    return 0;
}

int mf_cgroup_usage(const struct mf_cgroup *cgroup, struct mf_usage *ret_usage) {
    struct mf_usage usage = {0};
    char text[1024];
    /* The v2 tree accounts CPU time even where the cpu controller is on v1. */
    int result = read_file_at(cgroup->unified, "cpu.stat", text, sizeof text);
    if (result < 0) return result;
    usage.cpu_us = keyed(text, "usage_usec");
    usage.throttled_us = keyed(text, "throttled_usec");
    if (cgroup->cpu >= 0) {
        result = read_file_at(cgroup->cpu, "cpu.stat", text, sizeof text);
        if (result < 0) return result;
        usage.throttled_us = keyed(text, "throttled_time") / 1000;
    }
    result = usage_memory(cgroup, &usage);
    if (result < 0) return result;
    result = read_file_at(controller(cgroup, cgroup->pids), "pids.events", text, sizeof text);
    if (result < 0) return result;
    usage.pids_limit_hits = keyed(text, "max");
    *ret_usage = usage;
    return 0;
}

int mf_cgroup_kill(const struct mf_cgroup *cgroup) {
    return write_file_at(cgroup->unified, "cgroup.kill", "1");
}

int mf_cgroup_populated(const struct mf_cgroup *cgroup) {
    char text[128];
    int result = read_file_at(cgroup->unified, "cgroup.events", text, sizeof text);
    return result < 0 ? result : keyed(text, "populated") != 0;
}

int mf_cgroup_remove(const struct mf_cgroup *base, const char *name) {
    int result = 0;
    for (int i = 0; i < HIERARCHIES; i++) {
        int parent = as_array(base)[i];
        if (parent < 0) continue;
        if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT) result = -errno;
    }
    return result;
}
