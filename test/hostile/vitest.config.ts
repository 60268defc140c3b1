import { defineConfig } from "vitest/config";

/** The hostile suite: npm run test:hostile. One file after the other, as each counts what exists on the machine. */
export default defineConfig({
  test: {
    include: ["test/hostile/*.itest.ts"],
    fileParallelism: false,
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
