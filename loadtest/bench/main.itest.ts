/** The command as people run it: what it prints, what it refuses, and that nothing stays. Never how fast. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SUITES } from "./results.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

const ms = z.number().positive();
const count = z.number().int().nonnegative();
const timing = z
  .object({ p50Ms: ms, p99Ms: ms, n: count.min(3) })
  .refine(({ p50Ms, p99Ms }) => p50Ms <= p99Ms);
const contender = z.union([timing, z.strictObject({ refused: z.string().min(1) })]);
const rates = z.record(z.string(), z.number().positive());
const noop = z.strictObject({
  mayfly: timing,
  bubblewrap: contender,
  crun: contender,
  runc: contender,
  runsc: contender,
  floor: timing,
});
const hello = noop.extend({ node: contender });
const whole = z.strictObject({
  machine: z.object({
    processor: z.string(),
    cores: count.min(1),
    kernel: z.string(),
    quick: z.literal(true),
  }),
  noop,
  hello,
  http: z.strictObject({ mayfly: timing, echo: timing, workerd: contender }),
  sustained: z.strictObject({
    perSecond: z.number().positive(),
    floorPerSecond: z.number().positive(),
    byInFlight: z.strictObject({ "1": ms, "8": ms, "32": ms, "128": ms }),
    cpuMsPerInvocation: z.looseObject({
      gateway: ms,
      redis: z.number(),
      worker: ms,
      spawner: ms,
      sandboxes: ms,
      kernelThreads: z.number(),
      rest: z.number(),
    }),
  }),
  growth: z.strictObject({
    p50MsByParked: rates,
    p50MsByFunctions: rates,
    privateBytesPerParked: count.min(1),
    pssBytesPerParked: count.min(1),
  }),
  burst: z.strictObject({ n: z.literal(100), errors: z.literal(0), p99Ms: ms }),
  soak: z.strictObject({ n: count.min(10), leaked: z.literal(0), drift: z.number().positive() }),
});

/** Folders and cgroups that bear the name that the bench with this pid gives them. */
function leftovers(pid: number): string[] {
  const name = ["-name", `*bench-${pid}`, "-o", "-name", `*bench-${pid}-*`];
  const { stdout } = spawnSync(
    "find",
    [tmpdir(), "/sys/fs/cgroup", "-maxdepth", "6", "-type", "d", "(", ...name, ")"],
    {
      encoding: "utf8",
    },
  );
  return stdout.split("\n").filter((line) => line !== "");
}

describe("npm run bench", () => {
  it("prints exactly one JSON object with every suite, and leaves nothing", () => {
    const { stdout, stderr, status, pid } = bench("--quick", "--json");
    expect(status, stderr).toBe(0);
    expect(stdout.trimEnd()).not.toContain("\n");
    const parsed = whole.safeParse(JSON.parse(stdout));
    expect(parsed.error?.issues ?? []).toEqual([]);
    expect(stderr).toContain("quick: fewer rounds");
    for (const suite of SUITES) expect(stderr).toContain(`${suite}: took`);
    expect(leftovers(pid)).toEqual([]);
  }, 180_000);

  it("prints tables without --json, and only of the suites that it was asked for", () => {
    const { stdout, status } = bench("--quick", "--only", "noop");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}mayfly +[\d.]+ ms/m);
    expect(stdout).toContain("no-op within 2× of the C floor");
    expect(stdout).not.toContain("hello");
  }, 60_000);

  it.each([["--only", "hullo"], ["--fast"]])("refuses %s with a sentence and code 2", (...args) => {
    const { stdout, stderr, status } = bench(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/hullo|--fast/);
    expect(stderr).toContain("npm run --silent bench --");
  });

  it("takes everything down on Ctrl-C", async () => {
    const child = spawn(process.execPath, [MAIN, "--quick", "--json", "--only", "hello"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = once(child, "close");
    /* Its rounds have begun: pools, zygotes and containers stand. */
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (line.includes("half load")) child.kill("SIGINT");
    });
    const [code] = await closed;
    expect(code).toBe(130);
    expect(leftovers(child.pid ?? 0)).toEqual([]);
  }, 60_000);
});
