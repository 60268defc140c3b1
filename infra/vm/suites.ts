/**
 * What runs in the virtual machine, in this order: for run-vm-tests.ts outside, which expects a count of each, and
 * run-in-vm.ts inside. Everything else of the project's tests knows nothing of cgroups.
 */
export interface VmSuite {
  name: string;
  /** A program that counts itself on its last line; or files for vitest. */
  run: { program: string; env?: Record<string, string> } | { files: string[] };
}

export const SUITES: readonly VmSuite[] = [
  { name: "native", run: { program: "native/build/test/native-test" } },
  {
    name: "native-sanitized",
    // LeakSanitizer would trace the process, which a process in new namespaces does not allow.
    run: { program: "native/build/test/native-test-sanitized", env: { ASAN_OPTIONS: "detect_leaks=0" } },
  },
  { name: "cgroup-v2", run: { files: ["infra/vm/cgroup-v2.vmtest.ts"] } },
  {
    name: "pool",
    run: {
      files: [
        "native/ts/probe.itest.ts",
        "pool/container.itest.ts",
        "pool/linux-sandbox.itest.ts",
        "pool/exec-fallback.itest.ts",
        "pool/filesystem.itest.ts",
        "pool/fresh-sandboxes.itest.ts",
      ],
    },
  },
  { name: "hostile", run: { files: ["test/hostile/*.itest.ts"] } },
];
