import { defineConfig } from "vitest/config";

/** What runs in the virtual machine (run-in-vm.ts): emulated, so everything has more time. */
export default defineConfig({
  test: {
    include: [
      "infra/vm/*.vmtest.ts",
      "pool/linux-sandbox.itest.ts",
      "pool/exec-fallback.itest.ts",
      "pool/filesystem.itest.ts",
      "test/hostile/*.itest.ts",
    ],
    fileParallelism: false,
    pool: "forks",
    testTimeout: 240_000,
    hookTimeout: 600_000,
  },
});
