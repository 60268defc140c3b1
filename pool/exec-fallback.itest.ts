/** Where a zygote cannot be forked, sandboxes start by exec and are the same in everything but speed. */
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CgroupBase } from "../native/ts/cgroup-base.ts";
import { SLOWNESS } from "../test/support/slowness.ts";
import { bundleFolder, type Leftovers, leftovers, removeFolder } from "./linux-pool.fixture.ts";
import { LinuxSandboxFactory } from "./linux-sandbox-factory.ts";
import { RUNTIME_COMMANDS } from "./runtime-commands.ts";
import { eventHeader, leaseOf } from "./sandbox-contract.ts";
import { UidRanges } from "./uid-ranges.ts";

const INSTANCE = "test-exec";

describe("a runtime whose zygote cannot be forked", () => {
  let before: Leftovers;
  let folder: string;
  const warnings: string[] = [];
  const logger = pino({ level: "warn" }, { write: (line: string) => void warnings.push(line) });

  beforeAll(() => {
    folder = bundleFolder({
      "index.cjs": `exports.handler = async () => [process.pid, process.getuid(), process.env.PATH, Math.random() < 1];`,
    });
    before = leftovers(INSTANCE);
  });

  afterAll(async () => {
    await vi.waitFor(() => expect(leftovers(INSTANCE)).toEqual(before), { timeout: 5000 * SLOWNESS });
    removeFolder(folder);
  });

  it.each([
    ["ends at its start", ["/usr/bin/node", "-e", "process.exit(1)"]],
    ["does not exist", ["/usr/bin/no-such-program"]],
  ])("because it %s: says so and runs functions by exec", async (_, zygoteCommand) => {
    warnings.length = 0;
    const cgroups = CgroupBase.open(INSTANCE);
    const factory = await LinuxSandboxFactory.start({
      runtime: "nodejs24",
      ...RUNTIME_COMMANDS.nodejs24,
      zygoteCommand,
      cgroups,
      uidRanges: new UidRanges("test-exec"),
      logger,
      onLost: () => {},
    });
    expect(factory.mode).toBe("exec");
    expect(warnings.join()).toContain("sandboxes start by exec, which is slower");
    const sandbox = await factory.create();
    await sandbox.prepare(leaseOf(folder));
    const outcome = await sandbox.run(eventHeader(), Buffer.from("{}"), 10_000 * SLOWNESS);
    await sandbox.destroy();
    await factory.close();
    cgroups.close();
    if (outcome.kind !== "answer") throw new Error(`no answer: ${JSON.stringify(outcome)}`);
    expect(JSON.parse(outcome.body.toString())).toEqual([3, 1000, "/usr/local/bin:/usr/bin:/bin", true]);
  });
});
