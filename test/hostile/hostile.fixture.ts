/**
 * Runs attacks in real sandboxes. Each file of this folder is one class of attacks; hostileSuite() turns its list
 * into tests. After every attack: the verdict is the true one, the next invocation is right, and nothing is left. A
 * bystander runs beside all of them, and its times are compared with those before.
 */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type FunctionLimits, functionLimits, type Verdict } from "../../contract/index.ts";
import { percentile } from "../../loadtest/percentile.ts";
import { bundleFolder, leftovers, openPool, removeFolder } from "../../pool/linux-pool.fixture.ts";
import type { Outcome, SandboxLog, SandboxPool, Usage } from "../../pool/sandbox.ts";
import { judgeOutcome } from "../../worker/judge-outcome.ts";
import { SLOWNESS } from "../support/slowness.ts";

export interface Attack {
  /** A sentence: what it tries, and what comes of it. */
  title: string;
  /**
   * The body of an async function. In its scope: `fs`, `cp` (child_process), `net`, `os`, `probe(...words)` which runs
   * probe/probe.c and gives its output, `control()` the descriptor of the control socket, `frame(header, body)`,
   * `forever()`, and `event`.
   */
  code: string;
  event?: Record<string, unknown>;
  limits?: Partial<FunctionLimits>;
  /** More than one only where the kernel decides which comes first. Default `ok`. */
  verdict?: Verdict | Verdict[];
  /** What the function answered, or anything else that must be so. */
  check?: (seen: Seen) => void;
}

export interface Seen {
  // biome-ignore lint/suspicious/noExplicitAny: whatever the attack answered
  value: any;
  outcome: Outcome;
  usage: Usage;
  log: SandboxLog;
  message: string;
}

const HANDLER = `
import cp from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
const probe = (...words) => {
  const { stdout, signal } = cp.spawnSync("/var/task/probe", words, { encoding: "utf8" });
  return signal ?? stdout.trim();
};
const control = () => {
  for (const fd of fs.readdirSync("/proc/self/fd")) {
    try { if (fs.readlinkSync("/proc/self/fd/" + fd).startsWith("socket:")) return Number(fd); } catch {}
  }
};
const frame = (header, body = "") => {
  const head = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(head.length, 0);
  prefix.writeUInt32LE(Buffer.byteLength(body), 4);
  return Buffer.concat([prefix, head, Buffer.from(body)]);
};
const forever = () => new Promise(() => setInterval(() => {}, 1e6));
const AsyncFunction = (async () => {}).constructor;
export const handler = (event) =>
  event.code === undefined ? { echo: event.echo }
    : new AsyncFunction("fs", "cp", "net", "os", "probe", "control", "frame", "forever", "event", event.code)(
        fs, cp, net, os, probe, control, frame, forever, event);
`;

const PROBE_SOURCE = fileURLToPath(new URL("probe/probe.c", import.meta.url));
const PROBE = fileURLToPath(new URL("build/probe", import.meta.url));

const ATTACK_TIMEOUT_MS = 1_500 * SLOWNESS;
const BYSTANDER_TIMEOUT_MS = 20_000 * SLOWNESS;
const BYSTANDER_PAUSE_MS = 30;
/** How many times of the bystander alone are taken before the attacks. */
const ALONE_SAMPLES = 60;

/** Compiles the probe. In the virtual machine of infra/vm, where no compiler is, it lies there already. */
function buildProbe(): void {
  if (process.env.MAYFLY_TEST_PREBUILT === "1") return; // infra/vm
  mkdirSync(join(PROBE, ".."), { recursive: true });
  execFileSync("cc", ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-static", "-o", PROBE, PROBE_SOURCE]);
}

const attackLimits = (limits: Partial<FunctionLimits>): FunctionLimits =>
  functionLimits.parse({ memoryMb: 64, pids: 32, tmpMb: 16, timeoutMs: ATTACK_TIMEOUT_MS, ...limits });

export function hostileSuite(title: string, attacks: Attack[]): void {
  const instance = `hostile-${title.replaceAll(/[^a-z]+/g, "-")}`;

  describe(title, () => {
    let pool: SandboxPool;
    let folder: string;
    let before: ReturnType<typeof leftovers>;

    /** Runs one event; resolves to what was seen once nothing of the sandbox is left. */
    async function invoke(event: object, limits: FunctionLimits) {
      const start = performance.now();
      const sandbox = await pool.acquire("nodejs24", BYSTANDER_TIMEOUT_MS);
      try {
        await sandbox.prepare({
          functionName: "hostile",
          handler: "index.handler",
          limits,
          bundleFolder: folder,
        });
        const header = {
          type: "event" as const,
          invocationId: randomUUID(),
          deadlineMs: Date.now() + limits.timeoutMs,
        };
        const outcome = await sandbox.run(header, Buffer.from(JSON.stringify(event)), limits.timeoutMs);
        const elapsedMs = performance.now() - start;
        const [usage, log] = [sandbox.usage(), sandbox.log()];
        return { outcome, usage, log, elapsedMs, ...(await judgeOutcome(outcome, () => usage, limits)) };
      } finally {
        await sandbox.destroy();
      }
    }

    /** The bystander's times while nothing else ran, and beside the attacks. */
    const aloneMs: number[] = [];
    const besideMs: number[] = [];
    let bystander = Promise.resolve();
    let isDone = false;

    async function standBy(times: number[], isEnough: () => boolean): Promise<void> {
      const limits = attackLimits({ timeoutMs: BYSTANDER_TIMEOUT_MS });
      for (let serial = 0; !isEnough(); serial++) {
        const { verdict, body, elapsedMs } = await invoke({ echo: serial }, limits);
        if (verdict !== "ok" || body?.toString() !== JSON.stringify({ echo: serial }))
          throw new Error(`the bystander got ${verdict} ${body}`);
        times.push(elapsedMs);
        await delay(BYSTANDER_PAUSE_MS);
      }
    }

    beforeAll(async () => {
      buildProbe();
      folder = bundleFolder({ "index.mjs": HANDLER });
      copyFileSync(PROBE, join(folder, "probe"));
      execFileSync("chmod", ["755", join(folder, "probe")]);
      before = leftovers(instance);
      pool = await openPool(instance, 4, 32);
      await standBy([], () => pool.stats().every(({ parked, target }) => parked === target));
      await standBy(aloneMs, () => aloneMs.length >= ALONE_SAMPLES);
      bystander = standBy(besideMs, () => isDone);
      bystander.catch(() => {}); // looked at by the last test
    }, 60_000 * SLOWNESS);

    afterAll(async () => {
      isDone = true;
      await bystander.catch(() => {});
      await pool.close();
      await vi.waitFor(() => expect(leftovers(instance)).toEqual(before), { timeout: 5_000 * SLOWNESS });
      removeFolder(folder);
    }, 60_000 * SLOWNESS);

    it.each(attacks)(
      "$title",
      async ({ code, event, limits = {}, verdict = "ok", check }) => {
        const seen = await invoke({ ...event, code }, attackLimits(limits));
        const context = JSON.stringify(seen.fault ?? seen.body ?? "").slice(0, 500);
        expect([verdict].flat(), context).toContain(seen.verdict);
        const value = seen.body === undefined ? undefined : JSON.parse(seen.body.toString());
        check?.({ ...seen, value, message: seen.fault?.message ?? "" });
        // The worker lives, and the next one is right.
        const next = await invoke({ echo: "next" }, attackLimits({ timeoutMs: BYSTANDER_TIMEOUT_MS }));
        expect(next).toMatchObject({ verdict: "ok", body: Buffer.from('{"echo":"next"}') });
        expect(pool.stats().every(({ leaked }) => leaked === 0)).toBe(true);
      },
      60_000 * SLOWNESS,
    );

    it(
      "a bystander was answered all the time, its p99 within three times that without attacks",
      async () => {
        isDone = true;
        await bystander;
        for (const times of [aloneMs, besideMs]) times.sort((one, other) => one - other);
        const [alone, beside] = [percentile(aloneMs, 0.99), percentile(besideMs, 0.99)];
        console.log(
          `${title}: bystander p50 ${percentile(aloneMs, 0.5).toFixed(1)} → ${percentile(besideMs, 0.5).toFixed(1)} ms, ` +
            `p99 ${alone.toFixed(1)} → ${beside.toFixed(1)} ms (${aloneMs.length} and ${besideMs.length} invocations)`,
        );
        expect(besideMs.length).toBeGreaterThan(5);
        // Under emulation times say nothing about the machine that is emulated; that it was answered is still so.
        if (SLOWNESS === 1) expect(beside).toBeLessThan(3 * alone);
      },
      60_000 * SLOWNESS,
    );
  });
}
