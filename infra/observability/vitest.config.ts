import { defineConfig } from "vitest/config";

/**
 * What is in infra/observability, tried with the real Prometheus: npm run test:observability. Files run one after the
 * other: one starts the whole service and looks for what it leaves behind.
 */
export default defineConfig({
  test: {
    include: ["infra/observability/**/*.obstest.ts"],
    fileParallelism: false,
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
