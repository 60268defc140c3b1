/** Every way out that SECURITY.md names: system calls, /proc, devices, descriptors, rights. */
import { expect } from "vitest";
import { type Attack, hostileSuite } from "./hostile.fixture.ts";

/** What probe/probe.c may get for an answer; whatever is not listed is refused by the filter with EPERM. */
const ANSWERS: Record<string, RegExp> = {
  clone3: /^-1 ENOSYS$/,
  io_uring_setup: /^-1 ENOSYS$/,
  io_setup: /^-1 ENOSYS$/,
  x32: /^-1 ENOSYS$/,
  foreign_architecture: process.arch === "x64" ? /^SIGSYS$/ : /^-1 ENOSYS$/,
  socket_netlink: /^-1 EAFNOSUPPORT$/,
  socket_packet: /^-1 EAFNOSUPPORT$/,
  socket_alg: /^-1 EAFNOSUPPORT$/,
  socket_vsock: /^-1 EAFNOSUPPORT$/,
  socket_bluetooth: /^-1 EAFNOSUPPORT$/,
};

const CALLS = [
  ...["mount", "umount2", "fsopen", "fsmount", "open_tree", "move_mount", "mount_setattr", "pivot_root"],
  ...["chroot", "mknod_device", "unshare_user", "unshare_mount", "unshare_net", "clone_user", "clone_pid"],
  ...["clone_cgroup", "clone3", "setns", "setuid_root", "setgroups", "sethostname", "ptrace"],
  ...[
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "kcmp",
    "bpf",
    "perf_event_open",
    "userfaultfd",
  ],
  ...["io_uring_setup", "io_setup", "keyctl", "add_key", "request_key", "socket_netlink", "socket_packet"],
  ...["socket_alg", "socket_vsock", "socket_bluetooth", "socket_raw", "socket_sctp", "personality"],
  ...[
    "foreign_architecture",
    "x32",
    "tiocsti",
    "init_module",
    "delete_module",
    "kexec_load",
    "reboot",
    "swapon",
  ],
  ...[
    "acct",
    "quotactl",
    "settimeofday",
    "clock_settime",
    "syslog",
    "name_to_handle_at",
    "open_by_handle_at",
  ],
  ...["fanotify_init", "mbind", "memfd_secret", "vmsplice"],
];

const systemCalls = CALLS.map(
  (call): Attack => ({
    title: `the system call ${call} is refused`,
    code: `return probe("${call}")`,
    check: ({ value }) => expect(value).toMatch(ANSWERS[call] ?? /^-1 EPERM$/),
  }),
);

/** Opens each path in the mode; answers with those that worked. */
const openable = (paths: string[], mode: string) =>
  `return ${JSON.stringify(paths)}.filter((path) => { try { fs.closeSync(fs.openSync(path, "${mode}")); return true; } catch { return false; } })`;

const nothing = ({ value }: { value: unknown }) => expect(value).toEqual([]);

hostileSuite("escapes", [
  ...systemCalls,
  {
    title: "/proc/sys and the triggers of /proc cannot be written",
    code: openable(
      [
        ...["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname"],
        ...[
          "/proc/sys/vm/drop_caches",
          "/proc/sys/net/ipv4/ip_forward",
          "/proc/sys/user/max_user_namespaces",
        ],
        ...["/proc/sys/kernel/randomize_va_space", "/proc/irq/default_smp_affinity", "/proc/fs"],
      ],
      "r+",
    ),
    check: nothing,
  },
  {
    title: "what is masked in /proc is empty, reading and writing",
    code: `const read = ["kcore", "keys", "latency_stats", "timer_list", "sched_debug", "interrupts", "sysrq-trigger"].filter((name) => {
        try { return fs.readFileSync("/proc/" + name).length > 0; } catch { return false; } });
      const listed = ["acpi", "asound", "scsi"].filter((name) => { try { return fs.readdirSync("/proc/" + name).length > 0; } catch { return false; } });
      return [...read, ...listed]`,
    check: nothing,
  },
  {
    title: "PID 1 keeps its memory, environment, root and descriptors to itself",
    code: `return ["environ", "mem", "maps", "root/etc/passwd", "cwd/etc", "exe", "fd/0", "fdinfo/0", "stack", "syscall", "auxv", "ns/user"].filter((name) => {
      try { name.startsWith("ns") || name === "exe" ? fs.readlinkSync("/proc/1/" + name) : fs.readFileSync("/proc/1/" + name); return true; } catch { return false; } })`,
    check: nothing,
  },
  {
    title: "its maps of ids, its groups and its lower OOM score cannot be written",
    code: `return [["uid_map", "0 0 1"], ["gid_map", "0 0 1"], ["setgroups", "allow"], ["oom_score_adj", "-1000"]].filter(([name, text]) => {
      try { fs.writeFileSync("/proc/self/" + name, text); return true; } catch { return false; } })`,
    check: nothing,
  },
  {
    title: "the runtime's binaries and libraries cannot be written, by no name (CVE-2019-5736)",
    code: openable(
      [
        "/proc/self/exe",
        "/usr/bin/node",
        "/bin/busybox",
        "/var/runtime/native/build/libmayfly.so",
        "/etc/passwd",
      ],
      "r+",
    ),
    check: nothing,
  },
  {
    title: "there are no devices but the five harmless ones",
    code: `return fs.readdirSync("/dev").filter((name) => fs.lstatSync("/dev/" + name).isCharacterDevice() || fs.lstatSync("/dev/" + name).isBlockDevice()).sort()`,
    check: ({ value }) => expect(value).toEqual(["full", "null", "random", "urandom", "zero"]),
  },
  {
    title: "there is no /sys, no cgroup tree and no release_agent (CVE-2022-0492)",
    code: `return ["/sys", "/sys/fs/cgroup", "/sys/kernel"].filter((path) => fs.existsSync(path)).concat(
      fs.readFileSync("/proc/self/mountinfo", "utf8").split("\\n").filter((line) => / - (cgroup2?|sysfs|debugfs|securityfs|tracefs|bpf) /.test(line)))`,
    check: nothing,
  },
  {
    title: "no file is set-user-id or set-group-id",
    code: `return cp.execSync("find / -xdev -perm /6000 2>/dev/null || true", { encoding: "utf8" }).trim().split("\\n").filter(Boolean)`,
    limits: { timeoutMs: 10_000 },
    check: nothing,
  },
  {
    title: "no descriptor leads to a folder or file outside (CVE-2024-21626)",
    code: `return fs.readdirSync("/proc/self/fd").map((fd) => { try { return fs.readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } })
      .filter((target) => target.startsWith("/") && target !== "/dev/null" && !target.startsWith("/proc"))`,
    check: nothing,
  },
  {
    title: "no descriptor and no cwd leads up and out",
    code: `const seen = fs.readdirSync("/proc/self/fd").map((fd) => "/proc/self/fd/" + fd).concat("/proc/self/cwd", "/proc/self/root")
      .flatMap((path) => ["/..", "/../..", "/../../../../.."].map((up) => path + up)).filter((path) => {
        try { return fs.readdirSync(path).some((name) => ["root", "home", "boot", "lib32", "srv"].includes(name)); } catch { return false; } });
      return seen`,
    check: nothing,
  },
  {
    title: "it has no capability, in no set, and cannot get one",
    code: `return fs.readFileSync("/proc/self/status", "utf8").match(/^(Cap\\w+|NoNewPrivs|Seccomp):\\s+\\w+$/gm)`,
    check: ({ value }) =>
      expect(value).toEqual([
        ...["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}:\t0000000000000000`),
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
      ]),
  },
  {
    title: "its children are filtered and without rights as well",
    code: `return cp.execSync("grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status", { encoding: "utf8" })`,
    check: ({ value }) => expect(value).toBe("CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"),
  },
  {
    title: "it has no terminal to push characters into",
    code: openable(["/dev/tty", "/dev/console", "/dev/ptmx", "/dev/pts/ptmx"], "r+"),
    check: nothing,
  },
  {
    title: "the mounts are those that Mayfly made, and no other",
    code: `return [...new Set(fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\\n").map((line) => line.split(" ")[4]).filter((point) => !point.startsWith("/proc/")))].sort()`,
    check: ({ value }) => expect(value).toEqual(["/", "/dev", "/dev/shm", "/proc", "/tmp", "/var/task"]),
  },
  {
    title: "the host's name, users and hosts are not shown",
    code: `return [os.hostname(), fs.readFileSync("/etc/passwd", "utf8").trim().split("\\n").length, fs.readFileSync("/proc/self/cgroup", "utf8")
      .split("\\n").some((line) => line.includes("mayfly"))]`,
    check: ({ value }) => expect(value).toEqual(["sandbox", 2, false]),
  },
]);
