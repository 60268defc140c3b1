import { defineConfig } from "vitest/config";

/**
 * `*.test.ts` needs nothing; `*.itest.ts` needs root, Redis or namespaces. Files run one after the other: several
 * count what exists on the whole machine (processes, cgroups, mounts) and would see each other's.
 */
export default defineConfig({
  test: {
    include: ["**/*.test.ts", "**/*.itest.ts"],
    exclude: ["**/node_modules/**", "**/build/**", "examples/**", "test/functions/**", "test/hostile/**"],
    fileParallelism: false,
    pool: "forks",
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
