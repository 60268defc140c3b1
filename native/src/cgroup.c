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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "mayfly.h"
#include "util.h"

#define HIERARCHIES 5

/* Hundredths of a core's. What is being made for later gives way to what runs; a lease's limits bring its own weight. */
#define UNLEASED_WEIGHT 10

/* struct mf_cgroup is five descriptors; -1 stands for a hierarchy that this machine does not have. */
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

/* v1 counts in shares, of which 1,024 are the default; v2 in weights around 100. */
static int weigh_cpu(const struct mf_cgroup *cgroup, uint64_t weight) {
    if (weight == 0) return 0;
    if (cgroup->cpu >= 0) return write_number(cgroup->cpu, "cpu.shares", weight * 1024 / 100);
    return write_number(cgroup->unified, "cpu.weight", weight < 10000 ? weight : 10000);
}

int mf_cgroup_create(const struct mf_cgroup *base, const char *name, struct mf_cgroup *ret_cgroup) {
    struct mf_cgroup made = {-1, -1, -1, -1, -1};
    int32_t *fds = &made.unified;
    struct mf_cgroup ours = {-1, -1, -1, -1, -1}; /* the parents below which this call made something */
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
    if (result == 0) result = weigh_cpu(&made, UNLEASED_WEIGHT);
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

/* v1: one file for each of the four numbers. */
static int throttle_v1(int dir, const struct mf_device *device, const char *const files[2], uint64_t value) {
    if (value == 0) return 0;
    char text[64];
    snprintf(text, sizeof text, "%u:%u %" PRIu64, device->major, device->minor, value);
    int result = write_file_at(dir, files[0], text);
    return result < 0 ? result : write_file_at(dir, files[1], text);
}

static int throttle_v2(int dir, const struct mf_device *device, const struct mf_limits *limits) {
    char text[128];
    int at = snprintf(text, sizeof text, "%u:%u", device->major, device->minor);
    if (limits->io_bytes > 0)
        at += snprintf(text + at, sizeof text - (size_t) at, " rbps=%" PRIu64 " wbps=%" PRIu64, limits->io_bytes,
                       limits->io_bytes);
    if (limits->io_operations > 0)
        snprintf(text + at, sizeof text - (size_t) at, " riops=%" PRIu64 " wiops=%" PRIu64, limits->io_operations,
                 limits->io_operations);
    return write_file_at(dir, "io.max", text);
}

static int limit_io(const struct mf_cgroup *cgroup, const struct mf_limits *limits, const struct mf_device *devices,
                    uint32_t count) {
    static const char *const bytes[2] = {"blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device"};
    static const char *const operations[2] = {"blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device"};
    if (limits->io_bytes == 0 && limits->io_operations == 0) return 0;
    int result = 0;
    for (uint32_t i = 0; i < count && result == 0; i++) {
        if (cgroup->blkio < 0) {
            result = throttle_v2(cgroup->unified, &devices[i], limits);
        } else {
            result = throttle_v1(cgroup->blkio, &devices[i], bytes, limits->io_bytes);
            if (result == 0) result = throttle_v1(cgroup->blkio, &devices[i], operations, limits->io_operations);
        }
    }
    return result;
}

int mf_cgroup_limit(const struct mf_cgroup *cgroup, const struct mf_limits *limits, const struct mf_device *devices,
                    uint32_t device_count) {
    int result = limit_cpu(cgroup, limits);
    if (result == 0) result = weigh_cpu(cgroup, limits->cpu_weight);
    if (result == 0) result = limit_memory(cgroup, limits);
    if (result == 0) result = write_number(controller(cgroup, cgroup->pids), "pids.max", limits->pids);
    if (result == 0) result = limit_io(cgroup, limits, devices, device_count);
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

/* The rest of the line that begins with the device's numbers and `word`; NULL when it has done nothing yet. */
static const char *line_of(const char *text, const struct mf_device *device, const char *word) {
    char prefix[64];
    int length = snprintf(prefix, sizeof prefix, "%u:%u %s", device->major, device->minor, word);
    for (const char *line = text; line != NULL && *line != '\0';) {
        if (strncmp(line, prefix, (size_t) length) == 0) return line + length;
        line = strchr(line, '\n');
        if (line != NULL) line++;
    }
    return NULL;
}

static uint64_t number_of(const char *text) {
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." in one line for each device. */
static void add_io_v2(const char *text, const struct mf_device *device, struct mf_usage *usage) {
    const char *line = line_of(text, device, "");
    uint64_t values[4];
    if (line == NULL || sscanf(line, "rbytes=%" SCNu64 " wbytes=%" SCNu64 " rios=%" SCNu64 " wios=%" SCNu64,
                               &values[0], &values[1], &values[2], &values[3]) != 4)
        return;
    usage->io_read_bytes += values[0];
    usage->io_written_bytes += values[1];
    usage->io_reads += values[2];
    usage->io_writes += values[3];
}

/* The files are there only where the controller is; a machine with many devices fills more than `text`. */
static int usage_io(const struct mf_cgroup *cgroup, const struct mf_device *devices, uint32_t count,
                    struct mf_usage *usage) {
    char text[8192];
    if (count == 0) return 0;
    if (cgroup->blkio < 0) {
        int result = read_file_at(cgroup->unified, "io.stat", text, sizeof text);
        for (uint32_t i = 0; i < count && result > 0; i++) add_io_v2(text, &devices[i], usage);
        return result < 0 ? ignore_missing(result) : 0;
    }
    int result = read_file_at(cgroup->blkio, "blkio.throttle.io_service_bytes", text, sizeof text);
    for (uint32_t i = 0; i < count && result >= 0; i++) {
        usage->io_read_bytes += number_of(line_of(text, &devices[i], "Read "));
        usage->io_written_bytes += number_of(line_of(text, &devices[i], "Write "));
    }
    if (result >= 0) result = read_file_at(cgroup->blkio, "blkio.throttle.io_serviced", text, sizeof text);
    for (uint32_t i = 0; i < count && result >= 0; i++) {
        usage->io_reads += number_of(line_of(text, &devices[i], "Read "));
        usage->io_writes += number_of(line_of(text, &devices[i], "Write "));
    }
    return result < 0 ? ignore_missing(result) : 0;
}

int mf_cgroup_usage(const struct mf_cgroup *cgroup, const struct mf_device *devices, uint32_t device_count,
                    struct mf_usage *ret_usage) {
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
    result = usage_io(cgroup, devices, device_count, &usage);
    if (result < 0) return result;
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

int mf_cgroup_claim(int folder) {
    if (flock(folder, LOCK_EX | LOCK_NB) < 0) return -errno;
    return fsetxattr(folder, "trusted.mayfly", "1", 1, 0) < 0 ? -errno : 0;
}

int mf_cgroup_is_marked(int folder) {
    char value;
    return fgetxattr(folder, "trusted.mayfly", &value, 1) == 1;
}
