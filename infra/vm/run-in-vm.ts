/** Runs inside the virtual machine: the C tests, then vitest. The host reads the last line of each from the console. */
import { spawnSync } from "node:child_process";
import { runVitest } from "../run-vitest.ts";

// Emulation is some ten times slower: limits that are not the subject of a test grow with it.
process.env.MAYFLY_TEST_SLOWNESS = process.env.MAYFLY_TEST_SLOWNESS ?? "6";
process.env.MAYFLY_TEST_PREBUILT = "1";
// A serial console is a terminal, on which vitest would draw.
process.env.CI = "true";

const native = spawnSync("native/build/test/native-test", { encoding: "utf8" });
console.log(native.stdout.replaceAll(/^(\d+) passed, (\d+) failed$/gm, "vm-count native $1 $2"));
if (native.status !== 0)
  console.log(native.stderr, `native tests ended with ${native.status ?? native.signal}`);

const { passed, failed } = runVitest(["--config", "infra/vm/vitest.config.ts", "--no-color"]);
console.log(`vm-count vitest ${passed} ${failed}`);
console.log("vm-end");
