import { execFile } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { launchService } from "./support/launched-service.ts";
import { Leftovers } from "./support/leftovers.ts";
import { processTree } from "./support/process-tree.ts";

/** Looks again until nothing is left, or gives up and returns what still is. */
async function whatStays(leftovers: Leftovers, matters = (_line: string) => true): Promise<string[]> {
  const deadline = performance.now() + 25_000;
  for (;;) {
    const found = (await leftovers.find()).filter(matters);
    if (found.length === 0 || performance.now() > deadline) return found;
    await delay(50);
  }
}

/** Of test/functions/sleep; by it its sandbox is known from outside. One more is for PID 1. */
const SLEEP_PIDS = 77;

/** Resolves when a sandbox of the instance has this limit of processes. */
async function untilLeased(instance: string, pids: number): Promise<void> {
  const script = `find /sys/fs/cgroup -path '*/mayfly-${instance}/*' -name pids.max -exec cat {} +`;
  for (;;) {
    const { stdout } = await promisify(execFile)("sh", ["-c", script]).catch(() => ({ stdout: "" }));
    if (stdout.split("\n").includes(String(pids + 1))) return;
    await delay(20);
  }
}

async function pidOf(launcher: number, script: string): Promise<number> {
  for (const pid of (await processTree(launcher)).keys()) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (words.includes(script)) return pid;
  }
  throw new Error(`no process runs ${script}`);
}

describe("mayfly start", { timeout: 60_000 }, () => {
  test("leaves no process, cgroup or mount when it is killed and cannot clean up", async () => {
    const instance = `killed-${process.pid}`;
    const leftovers = await Leftovers.before(instance);
    const service = await launchService(instance);
    leftovers.expectGone(service.dataDir.slice(service.dataDir.lastIndexOf("/") + 1), service.port);
    await leftovers.noteRunning(service.pid);
    process.kill(service.pid, "SIGKILL");
    // Redis may leave the file of its socket; the next start removes it.
    expect(await whatStays(leftovers, (line) => !line.startsWith("file "))).toEqual([]);
    await service.removeData();
  });

  test.each(["gateway/main.ts", "worker/main.ts"])(
    "stops everything and says so when %s ends",
    async (script) => {
      const instance = `lost-${process.pid}`;
      const leftovers = await Leftovers.before(instance);
      const service = await launchService(instance);
      leftovers.expectGone(service.dataDir.slice(service.dataDir.lastIndexOf("/") + 1), service.port);
      await leftovers.noteRunning(service.pid);
      process.kill(await pidOf(service.pid, script), "SIGKILL");
      await expect(service.ended()).rejects.toThrow(
        new RegExp(`code 1: .*The ${script.split("/")[0]} has ended with SIGKILL`),
      );
      // A killed worker cannot remove its folders of cgroups; empty ones stay until the instance starts again.
      expect(await whatStays(leftovers, (line) => !line.startsWith("cgroup "))).toEqual([]);
      await service.removeData();

      const next = await launchService(instance);
      await next.stop();
      expect(await whatStays(leftovers)).toEqual([]);
      await next.removeData();
    },
  );

  test("gives up what still runs after the time to drain, and its caller hears of it", async () => {
    const instance = `drain-${process.pid}`;
    const leftovers = await Leftovers.before(instance);
    const service = await launchService(instance, { MAYFLY_DRAIN_MS: "200" });
    leftovers.expectGone(service.dataDir.slice(service.dataDir.lastIndexOf("/") + 1), service.port);
    await promisify(execFile)(process.execPath, ["cli/main.ts", "deploy", "test/functions/sleep"], {
      env: service.clientEnv,
    });
    const invoked = service.invoke("sleep", {});
    await untilLeased(instance, SLEEP_PIDS);
    await service.stop();
    const { status, body } = await invoked;
    expect([status, body.verdict]).toEqual([503, "worker_lost"]);
    expect(await whatStays(leftovers)).toEqual([]);
    await service.removeData();
  });

  test("names a taken port before anything starts", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const start = launchService(`port-${process.pid}`, { MAYFLY_PORT: String(port) });
    await expect(start).rejects.toThrow(`code 1: mayfly: Port ${port} is taken`);
    taken.close();
  });

  test("keeps functions over a restart, and deploys the examples only once", async () => {
    const instance = `again-${process.pid}`;
    const first = await launchService(instance);
    const hello = (method: string) =>
      fetch(`${first.url}/v1/functions/hello`, {
        method,
        headers: { Authorization: `Bearer ${first.clientEnv.MAYFLY_API_KEY}` },
      });
    expect((await hello("DELETE")).ok).toBe(true);
    await first.stop();

    const second = await launchService(instance, {
      MAYFLY_DATA_DIR: first.dataDir,
      MAYFLY_PORT: String(first.port),
    });
    expect(second.clientEnv.MAYFLY_API_KEY).toBe(first.clientEnv.MAYFLY_API_KEY);
    expect((await hello("GET")).status).toBe(404);
    expect((await second.invoke("markdown", { markdown: "# Hi" })).body.html).toContain("Hi</h1>");
    await second.stop();
    expect(await readdir(`${first.dataDir}/run`)).toEqual([]);
    await first.removeData();
    await second.removeData();
  });
});
