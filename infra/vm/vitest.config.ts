import { defineConfig } from "vitest/config";
import { SUITES } from "./suites.ts";

/** For run-in-vm.ts: most likely emulated, so everything has more time. */
export default defineConfig({
  test: {
    include: SUITES.flatMap(({ run }) => ("files" in run ? run.files : [])),
    fileParallelism: false,
    pool: "forks",
    testTimeout: 240_000,
    hookTimeout: 600_000,
  },
});
